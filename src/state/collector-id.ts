import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';

import { errnoOf, FleetError, messageOf } from '../errors.ts';
import { writeDurably } from './durable-file.ts';

/**
 * The collector's own id, a UUID made at the first call and kept in the file. Clients keep agent, counters and spool
 * apart by it. Throws FleetError `state-unusable` when the file cannot be used.
 */
export function loadCollectorId(file: string): string {
  try {
    const known = readId(file);
    if (known !== null) return known;
    try {
      writeDurably({ file, content: `${randomUUID()}\n`, mode: 0o644, exclusive: true });
    } catch (thrown) {
      // A dry run beside this one was faster.
      if (errnoOf(thrown) !== 'EEXIST') throw thrown;
    }
    const made = readId(file);
    if (made !== null) return made;
    throw new Error(`${file} is gone again`);
  } catch (thrown) {
    if (thrown instanceof FleetError) throw thrown;
    throw new FleetError({ code: 'state-unusable', stage: 'run', message: messageOf(thrown), cause: thrown });
  }
}

function readId(file: string): string | null {
  let text: string;
  try {
    text = readFileSync(file, 'utf8').trim();
  } catch (thrown) {
    if (errnoOf(thrown) === 'ENOENT') return null;
    throw thrown;
  }
  if (/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text)) return text;
  throw new FleetError({
    code: 'state-unusable',
    stage: 'run',
    message: `${file} holds no id`,
    advice: 'Put it back from a backup, or delete it: clients then keep a second spool.',
  });
}
