import { existsSync } from 'node:fs';

/** The configuration of a system-wide installation. */
export const systemConfigPath = '/etc/fleet-health/config.xml';

/**
 * The configuration to use: what `-c` says, else $FLEET_HEALTH_CONFIG, else ./config.xml, else the system's. The first
 * two are taken at their word; when neither of the others exists, ./config.xml is answered, for the message to name.
 */
export function findConfig(
  named: string | undefined,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): string {
  const fromEnvironment = environment['FLEET_HEALTH_CONFIG'];
  if (named !== undefined) return named;
  if (fromEnvironment !== undefined && fromEnvironment !== '') return fromEnvironment;
  const local = 'config.xml';
  return !existsSync(local) && existsSync(systemConfigPath) ? systemConfigPath : local;
}
