import type { ForwardConfig } from '../../config/config.ts';
import { documentName } from '../inbox/document-files.ts';
import { documentsFolder } from '../inbox/origins.ts';
import { readSiteKey } from './site-key.ts';
import { siteLink } from './site-link.ts';

/**
 * Puts an empty file, which the other collector only acknowledges. Without a URL only reads the key. Throws FleetError
 * `push-failed` or `keys-invalid`.
 */
export async function tryForward({ url, keyFile }: ForwardConfig, signal: AbortSignal): Promise<void> {
  const key = readSiteKey(keyFile);
  if (url === null) return;
  const link = siteLink(url, key);
  try {
    const name = documentName(0, 'trial');
    const answer = await link.put({ folder: documentsFolder, name, body: Buffer.alloc(0) }, signal);
    if (answer.kind === 'busy') throw answer.fault;
  } finally {
    link.close();
  }
}
