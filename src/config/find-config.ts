import { existsSync } from 'node:fs';

import { systemConfigPath } from '../state-folder/paths.ts';
import { isThere } from './xml/include.ts';

/**
 * Returns the path of the configuration: that of `-c`, else $FLEET_HEALTH_CONFIG, else ./config.xml, else the system's.
 * Does not check that the first two exist. Returns ./config.xml if neither of the last two exists, so that the message
 * names it.
 */
export function findConfig(
  named: string | undefined,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): string {
  const fromEnvironment = environment['FLEET_HEALTH_CONFIG'];
  if (named !== undefined) return named;
  if (fromEnvironment !== undefined && fromEnvironment !== '') return fromEnvironment;
  const local = 'config.xml';
  // A link that leads nowhere is there: another file in its place would be a surprise.
  return !isThere(local) && existsSync(systemConfigPath) ? systemConfigPath : local;
}
