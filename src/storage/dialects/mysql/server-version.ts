import type { Dialect } from '../../sql/dialect.ts';
import { StorageFault } from '../../sql/fault.ts';
import { mariadbDialect, mysqlDialect } from './dialect.ts';

/** The oldest versions that are supported, as [major, minor]. */
const oldest = { MariaDB: [10, 6], MySQL: [8, 0] } as const;

/** The first MySQL that knows an alias for the rows of VALUES: 8.0.19. */
const aliasedSince = [8, 0, 19] as const;

/**
 * Returns the SQL of a server by its variable `version`, like `10.11.14-MariaDB-0+deb12u2` or `9.7.4-2`. Throws
 * StorageFault `too-old` for a server below MariaDB 10.6 or MySQL 8.0. A version in another form is believed to be new
 * enough.
 */
export function dialectOf(version: string, where: string): Dialect {
  const numbers = /^(\d+)\.(\d+)(?:\.(\d+))?/.exec(version)?.slice(1).map(Number) ?? [];
  const product = /mariadb/i.test(version) ? 'MariaDB' : 'MySQL';
  if (isBefore(numbers, oldest[product])) {
    const least = `${product} ${oldest[product].join('.')}`;
    throw new StorageFault('too-old', `${where}: the server is ${product} ${version}; at least ${least} is needed`);
  }
  return product === 'MariaDB' || isBefore(numbers, aliasedSince) ? mariadbDialect : mysqlDialect;
}

function isBefore(version: readonly number[], other: readonly number[]): boolean {
  for (const [index, wanted] of other.entries()) {
    const number = version[index] ?? wanted;
    if (number !== wanted) return number < wanted;
  }
  return false;
}
