import path from 'node:path';

import { writeSynced, makeFolder } from '../state-folder/durable-file.ts';
import { FleetError, messageOf } from '../platform/errors/errors.ts';
import { mailTimeouts, type Channel, type OutgoingMail, type SendOptions } from './notify.ts';

/**
 * Creates a channel that stores mails as `.eml` files in a folder, which replaces a mail server without <smtp>. A file
 * appears whole or not at all. The same mail gives the same file.
 */
export function createFileChannel(outboxDir: string, timeouts = mailTimeouts): Channel {
  return {
    ...timeouts,
    name: outboxDir,
    send: (mail, options) => store(outboxDir, mail, options),
    close: () => undefined,
  };
}

/** Returns the name of a mail's file: the part of its Message-ID before the @. */
export function outboxName(messageId: string): string {
  return `${messageId.replace(/^<|@.*$/g, '').replace(/[^A-Za-z0-9._-]/g, '_')}.eml`;
}

async function store(outboxDir: string, mail: OutgoingMail, { onDataBegun, signal }: SendOptions): Promise<void> {
  signal.throwIfAborted();
  const file = path.join(outboxDir, outboxName(mail.messageId));
  await asMailFault(outboxDir, () => makeFolder(outboxDir));
  await onDataBegun();
  await asMailFault(file, async () => {
    await writeSynced(outboxDir, path.basename(file), mail.content);
  });
}

/**
 * Runs work on the folder. Throws its fault with the stage `spool` instead of `mail`, because a folder that fails for
 * one mail fails for all.
 */
async function asMailFault<T>(what: string, work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    throw new FleetError({
      code: 'mail-unavailable',
      stage: 'spool',
      message: `${what}: ${messageOf(thrown)}`,
      advice: 'Check the owner, mode and free space of the folder.',
      cause: thrown,
    });
  }
}
