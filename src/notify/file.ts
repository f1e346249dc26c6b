import { open, rename, rm } from 'node:fs/promises';
import path from 'node:path';

import { makeFolder } from '../state/make-folder.ts';
import { FleetError, messageOf } from '../errors.ts';
import type { Notifier, OutgoingMail, SendOptions } from './notify.ts';

/**
 * Mails as `.eml` files in a folder: what happens without <smtp>. A file appears whole or not at all, and the same mail
 * again is the same file.
 */
export function createFileNotifier(outboxDir: string): Notifier {
  return {
    send: (mail, options) => store(outboxDir, mail, options),
    close: () => undefined,
  };
}

/** The name of a mail's file: what stands left of the @ in its Message-ID. */
export function outboxName(messageId: string): string {
  return `${messageId.replace(/^<|@.*$/g, '').replace(/[^A-Za-z0-9._-]/g, '_')}.eml`;
}

async function store(outboxDir: string, mail: OutgoingMail, { onDataBegun, signal }: SendOptions): Promise<void> {
  signal.throwIfAborted();
  const file = path.join(outboxDir, outboxName(mail.messageId));
  await asMailFault(outboxDir, () => makeFolder(outboxDir));
  await onDataBegun();
  await asMailFault(file, async () => {
    // Of a pass that was killed; nothing else is ever written through it.
    await rm(`${file}.new`, { force: true });
    const draft = await open(`${file}.new`, 'wx', 0o600);
    try {
      await draft.writeFile(mail.content);
      await draft.sync();
    } finally {
      await draft.close();
    }
    await rename(`${file}.new`, file);
    await syncFolder(outboxDir);
  });
}

/** A name is only there for good when its folder was written too. */
async function syncFolder(dir: string): Promise<void> {
  const folder = await open(dir, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** A folder that does not take one mail takes no other. */
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
