import { type ListedKey, listKeys } from '../../collector/keys/key-ring.ts';
import { readSiteKey } from '../../collector/forward/site-key.ts';
import type { Config, ForwardConfig } from '../../config/config.ts';
import { messageOf } from '../../errors.ts';
import { escapeControls } from '../../log.ts';
import { keyIdOf } from '../../seal/sealed-message.ts';
import { statePaths, type StatePaths } from '../../state/paths.ts';

/** Describes the key to which a collector that opens no reports seals them. Other machines need no key. */
export function sealingText({ stateDir, collector: { forward } }: Config): string {
  const paths = statePaths(stateDir);
  try {
    if (forward !== null)
      return `collect forwards reports sealed, to key ${keyOfSite(forward)}; nothing can be read here.`;
    const key = sealingKey(paths);
    if (key === undefined) {
      return (
        `collect stores reports sealed, and ${paths.publicKeys} holds no public key: ` +
        'on the collector run fleet-health keys import-public FILE.'
      );
    }
    const where = `fleet-health ingest opens them ${key.opens ? 'here' : 'where its private half is'}`;
    return `collect stores reports sealed, to key ${key.id} (${key.file}); ${where}.`;
  } catch (thrown) {
    return escapeControls(messageOf(thrown));
  }
}

/** Returns the key of sealingText as JSON; null if `collect` opens reports itself. */
export function sealingJson({ stateDir, collector }: Config): unknown {
  const { open, forward } = collector;
  if (open) return null;
  try {
    if (forward !== null) return { key: keyOfSite(forward), file: forward.keyFile, opens: false };
    const key = sealingKey(statePaths(stateDir));
    return key === undefined ? { key: null } : { key: key.id, file: key.file, opens: key.opens };
  } catch {
    return { key: null };
  }
}

const keyOfSite = ({ keyFile }: ForwardConfig): string => keyIdOf(readSiteKey(keyFile).publicKey);

function sealingKey(paths: StatePaths): ListedKey | undefined {
  return listKeys(paths, false).find(({ seals }) => seals);
}
