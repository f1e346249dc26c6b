import { mkdirSync } from 'node:fs';
import { open, rename } from 'node:fs/promises';
import path from 'node:path';

import { FleetError, messageOf } from '../errors.ts';
import type { Notifier } from './notify.ts';

/**
 * Mails as `.eml` files in a folder: what happens without <smtp>. A file appears whole or not at all, and the same mail
 * again is the same file.
 */
export function createFileNotifier(outboxDir: string): Notifier {
  return {
    send: async ({ messageId, content }, { onDataBegun, signal }) => {
      signal.throwIfAborted();
      const file = path.join(outboxDir, outboxName(messageId));
      try {
        mkdirSync(outboxDir, { recursive: true, mode: 0o700 });
        await onDataBegun();
        const draft = await open(`${file}.new`, 'w', 0o600);
        try {
          await draft.writeFile(content);
          await draft.sync();
        } finally {
          await draft.close();
        }
        await rename(`${file}.new`, file);
      } catch (thrown) {
        if (thrown instanceof FleetError) throw thrown;
        const message = `${file}: ${messageOf(thrown)}`;
        throw new FleetError({ code: 'mail-unavailable', stage: 'mail', message, cause: thrown });
      }
    },
    close: () => undefined,
  };
}

/** The name of a mail's file: what stands left of the @ in its Message-ID. */
export function outboxName(messageId: string): string {
  return `${messageId.replace(/^<|@.*$/g, '').replace(/[^A-Za-z0-9._-]/g, '_')}.eml`;
}
