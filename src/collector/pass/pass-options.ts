import type { StatePaths } from '../../state/paths.ts';
import type { CollectOptions } from '../collect-options.ts';
import type { KeyRing } from '../keys/key-ring.ts';
import type { RunStart } from '../../storage/store/run.ts';

export interface PassOptions extends CollectOptions {
  readonly paths: StatePaths;
  readonly start: RunStart;
  readonly keyRing: KeyRing;
}
