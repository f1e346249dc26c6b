import type { Config } from '../config/config.ts';
import type { FleetSnapshot } from '../look/live-fleet.ts';
import type { FleetQuery } from '../page/live/fleet-view.ts';
import type { Alert } from '../storage/store/alert.ts';
import type { Storage } from '../storage/store/storage.ts';

/** A query of the API, as far as it is the command's. */
export interface DocumentQuery {
  /** Names or patterns of clients; empty: all. */
  readonly clients: readonly string[];
  readonly group: string | null;
  /** The part of these that is asked for; null: all. */
  readonly part: (FleetQuery & { readonly limit: number }) | null;
}

/** The documents and words of commands, which the server hands on. */
export interface Documents {
  /** Makes the document of `status`. Throws FleetError `usage` for a client that there is not. */
  readonly status: (snapshot: FleetSnapshot, query: DocumentQuery) => object;
  /** Makes the document of `alerts`. */
  readonly alerts: (config: Config, storage: Storage, client: string | null) => Promise<object>;
  /** Returns the lines of `explain` about an alert's rule. */
  readonly explain: (config: Config, storage: Storage, alert: Alert) => Promise<readonly string[]>;
  /** The document of an error. */
  readonly error: (thrown: unknown) => object;
}
