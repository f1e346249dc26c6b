import type { Client, Config } from '../../config/config.ts';
import { usageError } from '../../errors.ts';
import { chooseClient } from '../command/settings.ts';

/** Returns the client of this name if it is one that pushes. Throws FleetError `usage`. */
export function pushingClient(config: Config, name: string): Client {
  const client = chooseClient(config, name);
  if (client.pushEveryMs === null) {
    throw usageError(`${client.name} is visited`, 'Write transport="push" into its <client> of config.xml.');
  }
  if (client.state === 'retired') throw usageError(`${client.name} is retired`, 'Remove state="retired".');
  return client;
}
