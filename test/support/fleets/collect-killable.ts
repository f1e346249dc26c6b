/**
 * A run over a fleet of child processes, in a separate process that kills itself.
 * Arguments: the fleet's folder, a file, the moment, and the clients' names. The moment is `<visits>+<milliseconds>`,
 * the time after this number of visits has ended, or `never`. The process writes a report's id to the file before it
 * passes an acknowledgement to the client, and `seen` with the id before it reads the report. It prints the result at
 * the end.
 */
import { openSync, writeSync } from 'node:fs';
import { PassThrough } from 'node:stream';

import { readHeader } from '../../../src/report/seal/sealed-message.ts';
import type { Channel, Connection } from '../../../src/transport/transport.ts';
import { FrameParser } from '../../../src/report/frames.ts';
import { makeClient, openFleet } from './fleet.ts';

const [dir = '', logFile = '', moment = 'never', ...names] = process.argv.slice(2);
const [killAfter, thenMs] = moment.split('+').map(Number);
const log = openSync(logFile, 'a');
const fleet = openFleet(dir);

/** Records the bytes of a channel before they are passed on. */
function watched(channel: Channel, command: string): Channel {
  const marker = markerIn(command);
  const stdout = new PassThrough();
  const parser =
    marker === null
      ? null
      : new FrameParser({
          marker,
          maxGreetingBytes: 65_536,
          maxReportBytes: 2 ** 21,
          maxReports: 1000,
          maxTotalBytes: 2 ** 26,
        });
  channel.stdout.on('data', (chunk: Buffer) => {
    for (const frame of parser?.push(chunk) ?? []) {
      if (frame.type === 'R') writeSync(log, `seen ${readHeader(frame.payload).reportId}\n`);
    }
    stdout.write(chunk);
  });
  channel.stdout.on('end', () => stdout.end());
  const { stdin } = channel;
  const write = stdin.write.bind(stdin);
  stdin.write = ((bytes: Buffer) => {
    if (bytes.length === 16) writeSync(log, `acknowledged ${uuidOf(bytes)}\n`);
    return write(bytes);
  }) as typeof stdin.write;
  return { ...channel, stdin, stdout };
}

function markerIn(command: string): Buffer | null {
  for (const [text] of command.matchAll(/[A-Za-z0-9_-]{100,}/g)) {
    const request = Buffer.from(text, 'base64url').toString();
    if (request.startsWith('{')) return Buffer.from((JSON.parse(request) as { marker: string }).marker, 'base64url');
  }
  return null;
}

function uuidOf(bytes: Buffer): string {
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}

const checks = [
  {
    requested: { name: 'said', command: ['/bin/echo', 'OK | waiting=7 took=3s'] },
    file: 'config.xml',
    line: null,
  },
];
/** The number of visits that have ended. */
let visited = 0;
const result = await fleet.collect(
  names.map((name) => makeClient(name, { checks })),
  {
    concurrency: 2,
    transportFor: (client) => ({
      connect: async (options) => {
        const connection: Connection = await fleet.transportFor(client).connect(options);
        const exec = async (command: string): Promise<Channel> => watched(await connection.exec(command), command);
        return { ...connection, exec };
      },
    }),
    observe: ({ kind }) => {
      if (kind !== 'started' && kind !== 'visited') return;
      if (visited === killAfter) setTimeout(() => process.kill(process.pid, 'SIGKILL'), thenMs);
      visited++;
    },
  },
);
process.stdout.write(`${JSON.stringify(result)}\n`, () => process.exit(0));
