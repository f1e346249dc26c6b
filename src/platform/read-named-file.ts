import { readFileSync, statSync } from 'node:fs';

import { fileFault, messageOf } from './errors/errors.ts';

/** Certificates and keys are smaller. Without a bound a device would be read until the memory is full. */
const maxFileBytes = 2 ** 20;

/** Reads a small file that config.xml names. Throws an Error with the reason, in the words of `fileFault`. */
export function readNamedFile(file: string): Buffer {
  try {
    const facts = statSync(file);
    if (!facts.isFile() && !facts.isDirectory()) throw new Error('it is no regular file');
    if (facts.size > maxFileBytes) throw new Error('it is larger than 1 MiB');
    return readFileSync(file);
  } catch (thrown) {
    throw new Error(fileFault(thrown), { cause: thrown });
  }
}

/**
 * Reads the certificates that the attribute `ca` of an element names. Returns null without a file. Throws an Error that
 * names the element, the file and the reason.
 */
export function readAuthority(element: string, file: string | null): Buffer | null {
  if (file === null) return null;
  try {
    return readNamedFile(file);
  } catch (thrown) {
    throw new Error(`<${element} ca>: ${file} cannot be read: ${messageOf(thrown)}`, { cause: thrown });
  }
}
