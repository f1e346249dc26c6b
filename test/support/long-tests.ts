/** FLEET_HEALTH_LONG_TESTS=1: tests that repeat themselves do so as often as they can, not only often enough. */
export const isLong = process.env['FLEET_HEALTH_LONG_TESTS'] === '1';
