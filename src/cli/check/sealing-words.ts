import { type ListedKey, listKeys } from '../../collector/keys/key-ring.ts';
import type { Config } from '../../config/config.ts';
import { messageOf } from '../../errors.ts';
import { escapeControls } from '../../log.ts';
import { statePaths, type StatePaths } from '../../state/paths.ts';

/** Names the key that a collector seals to which opens nothing. Other machines have no need of a key. */
export function sealingText({ stateDir, collector: { forward } }: Config): string {
  const paths = statePaths(stateDir);
  try {
    const key = sealingKey(paths);
    if (key === undefined && forward !== null) return 'collect forwards reports sealed; it has not run yet.';
    if (key === undefined) {
      return (
        `collect stores reports sealed, and ${paths.publicKeys} holds no public key: ` +
        'on the collector run fleet-health keys import-public FILE.'
      );
    }
    if (forward !== null) return `collect forwards reports sealed, to key ${key.id}; nothing can be read here.`;
    const where = `fleet-health ingest opens them ${key.opens ? 'here' : 'where its private half is'}`;
    return `collect stores reports sealed, to key ${key.id} (${key.file}); ${where}.`;
  } catch (thrown) {
    return escapeControls(messageOf(thrown));
  }
}

/** Null where `collect` opens reports itself. */
export function sealingJson({ stateDir, collector }: Config): unknown {
  if (collector.open) return null;
  try {
    const key = sealingKey(statePaths(stateDir));
    return key === undefined ? { key: null } : { key: key.id, file: key.file, opens: key.opens };
  } catch {
    return { key: null };
  }
}

function sealingKey(paths: StatePaths): ListedKey | undefined {
  return listKeys(paths, false).find(({ seals }) => seals);
}
