/** A fleet in memory of which one client is lost, and the looks of the others. */
import { PassThrough } from 'node:stream';

import type { Client } from '../../../../src/config/config.ts';
import { FleetError } from '../../../../src/platform/errors/errors.ts';
import type { Channel, Transport } from '../../../../src/transport/transport.ts';
import { noExit } from '../../../../src/transport/transport.ts';
import type { Fleet } from '../../../support/fleets/fleet.ts';
import { neighbour } from './lost.ts';

export interface Asked {
  readonly client: string;
  /** The addresses and ports that the client is asked about. */
  readonly places: readonly string[];
}

export interface LookFleet {
  readonly clients: readonly Client[];
  /** The looks so far. */
  readonly asked: readonly Asked[];
  readonly transportFor: (client: Client) => Transport;
}

/** Returns clients of one subnet: `db-1` is lost. */
export function clientsBeside(count: number, more: Partial<Client> = {}): readonly Client[] {
  return Array.from({ length: count }, (_, at) => neighbour(`db-${at + 1}`, { address: `192.0.2.${at + 1}`, ...more }));
}

/** Returns transports to clients, of which `lost` do not answer. `answer` returns the lines of a look, `@` the sign. */
export function lookFleet(
  fleet: Fleet,
  clients: readonly Client[],
  answer: (asked: Asked) => string | Promise<string>,
  lost: readonly string[] = ['db-1'],
): LookFleet {
  const asked: Asked[] = [];
  const look = (client: string, command: string): Channel => {
    const words = [...command.matchAll(/'([^']*)'/g)].map(([, word = '']) => word);
    const places = words.slice(6);
    const one = { client, places: places.flatMap((place, at) => (at % 2 === 0 ? `${place} ${places[at + 1]}` : [])) };
    asked.push(one);
    const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
    void Promise.resolve(answer(one)).then((lines) => {
      stderr.end();
      return stdout.end(lines.replaceAll('@', `fh-${words[1]}-look `));
    });
    return { stdin, stdout, stderr, exit: Promise.resolve(noExit) };
  };
  const transportFor = (client: Client): Transport => ({
    connect: async (options) => {
      const { name, address, port } = client;
      options.onDial?.({ address, port });
      const message = `no answer from ${address}`;
      if (lost.includes(name)) throw new FleetError({ code: 'connect-timeout', stage: 'connect', message });
      const connection = await fleet.transportFor(client).connect(options);
      const exec = (command: string): Promise<Channel> =>
        command.includes('-look') ? Promise.resolve(look(name, command)) : connection.exec(command);
      return { ...connection, exec };
    },
  });
  return { clients, asked, transportFor };
}
