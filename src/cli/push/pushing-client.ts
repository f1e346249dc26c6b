import type { Client, Config } from '../../config/config.ts';
import { usageError } from '../../errors.ts';
import { chooseClient } from '../command/settings.ts';

/** Returns the client of this name if the client pushes or is asked over HTTP. Throws FleetError `usage`. */
export function enrollableClient(config: Config, name: string): Client {
  const client = chooseClient(config, name);
  return client.spokeUrl === null ? pushingClient(config, name) : checkedState(client);
}

/** Returns the client of this name if the client pushes. Throws FleetError `usage`. */
export function pushingClient(config: Config, name: string): Client {
  const client = chooseClient(config, name);
  if (client.pushEveryMs === null) {
    const advice = 'Write transport="push" into its <client> of config.xml.';
    throw usageError(`${client.name} is ${client.spokeUrl === null ? 'visited' : 'asked over HTTP'}`, advice);
  }
  return checkedState(client);
}

function checkedState(client: Client): Client {
  if (client.state === 'retired') throw usageError(`${client.name} is retired`, 'Remove state="retired".');
  return client;
}
