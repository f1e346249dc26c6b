/** FLEET_HEALTH_LONG_TESTS=1: tests that repeat themselves do so as often as they can, not only often enough. */
export const isLong = process.env['FLEET_HEALTH_LONG_TESTS'] === '1';

/** Set by `npm run test:wide`: tests that try some of their cases try all of them, as they also do where `isLong`. */
export const isWide = isLong || process.env['FLEET_HEALTH_WIDE_TESTS'] === '1';
