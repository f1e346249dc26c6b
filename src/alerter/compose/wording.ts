import type { Config } from '../../config/config.ts';
import type { SeriesPoint } from '../../storage/store/notification-store.ts';
import type { Reader } from '../../text/time-words.ts';

/** What a mail's words are made from. */
export interface Wording {
  readonly config: Config;
  readonly reader: Reader;
  /** By alert id. */
  readonly charts: ReadonlyMap<number, readonly SeriesPoint[]>;
  /** Distribution or kernel by client, where it is known. */
  readonly systems: ReadonlyMap<string, string>;
  /** As people call it: `fleet-health`. */
  readonly program: string;
}
