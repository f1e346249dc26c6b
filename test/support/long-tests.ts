/** FLEET_HEALTH_LONG_TESTS=1: tests with repetitions run as many as possible, not only enough. */
export const isLong = process.env['FLEET_HEALTH_LONG_TESTS'] === '1';

/** Set by `npm run test:wide`: tests that usually try some of their cases try all of them. They also do if `isLong`. */
export const isWide = isLong || process.env['FLEET_HEALTH_WIDE_TESTS'] === '1';

/** For `skip` of a test that only the second tier runs: the reason, or false. */
export const skipUnlessWide: string | false = isWide ? false : 'in the second tier';
