import type { Client, Config } from '../../config/config.ts';
import { usageError } from '../../platform/errors/errors.ts';
import { chooseClient } from '../command/settings.ts';

/** Returns the client of this name if the client pushes or is asked over HTTP. Throws FleetError `usage`. */
export function enrollableClient(config: Config, name: string): Client {
  const client = chooseClient(config, name);
  return client.arrival.kind === 'asked' ? checkedState(client) : pushingClient(config, name);
}

/** Returns the client of this name if the client pushes. Throws FleetError `usage`. */
export function pushingClient(config: Config, name: string): Client {
  const client = chooseClient(config, name);
  if (client.arrival.kind !== 'comes') {
    const advice = 'Write transport="push" into its <client> of config.xml.';
    throw usageError(`${client.name} is ${client.arrival.kind === 'asked' ? 'asked over HTTP' : 'visited'}`, advice);
  }
  return checkedState(client);
}

function checkedState(client: Client): Client {
  if (client.state === 'retired') throw usageError(`${client.name} is retired`, 'Remove state="retired".');
  return client;
}
