import path from 'node:path';
import { Writable } from 'node:stream';

import { openReceiver } from '../../collector/receive/receiver.ts';
import { receiveVisit } from '../../collector/receive/receive-visit.ts';
import { steadyClock } from '../../platform/steady-clock.ts';
import { folderOfClient } from '../../state-folder/client-folder.ts';
import { holdLock } from '../../state-folder/lock.ts';
import { makeFolder } from '../../state-folder/durable-file.ts';
import { statePaths } from '../../state-folder/paths.ts';
import { claimStateFolder } from '../../state-folder/state-folder.ts';
import type { Context, ExitStatus } from '../command/context.ts';
import { complaintText } from '../command/complain.ts';
import { loadLastSettings } from '../command/settings.ts';
import { pushingClient } from './pushing-client.ts';

/**
 * Runs `receive`: reads the reports of one client from stdin and acknowledges safely stored ones on stdout. Prints
 * nothing else on stdout. Prints a fault on stderr, which ssh shows to the client. Throws FleetError `locked` if
 * another session of the client is open.
 */
export async function receiveCommand(context: Context, name: string): Promise<ExitStatus> {
  const { config } = loadLastSettings(context);
  const client = pushingClient(config, name);
  const now = steadyClock();
  const paths = statePaths(config.stateDir);
  claimStateFolder(paths, ['receiveLocks']);
  makeFolder(paths.receiveLocks);
  const file = path.join(paths.receiveLocks, `${folderOfClient(client.name)}.db`);
  const release = await holdLock({
    file,
    message: () => `another push of ${client.name} is under way`,
    advice: 'The client keeps its reports and tries again.',
  });
  try {
    const receiver = await openReceiver(config, now());
    const { fault } = await receiveVisit({
      receiver,
      config,
      client,
      input: process.stdin,
      output: ontoStdout(),
      signal: context.signal,
      now,
    });
    if (fault === null) return 0;
    context.output.complain(complaintText(fault));
    return fault.exitStatus;
  } finally {
    release();
  }
}

/** Returns a stream into stdout that can be ended: stdout itself cannot be ended before the process. */
function ontoStdout(): Writable {
  return new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      process.stdout.write(chunk, () => done());
    },
  });
}
