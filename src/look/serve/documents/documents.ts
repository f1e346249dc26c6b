import type { Config } from '../../../config/config.ts';
import type { FleetError } from '../../../platform/errors/errors.ts';
import type { FleetSnapshot } from '../../data/live-fleet.ts';
import type { FleetQuery } from '../../page/live/links.ts';
import type { Alert } from '../../../storage/store/alert.ts';
import type { Storage } from '../../../storage/store/storage.ts';
import type { Answer } from '../answer.ts';
import type { LookName } from '../routes.ts';

/** A query of the API, as far as the command evaluates it. */
export interface DocumentQuery {
  /** Names or patterns of clients; empty: all. */
  readonly clients: readonly string[];
  readonly group: string | null;
  /** The requested part of these clients; null: all. */
  readonly part: (FleetQuery & { readonly limit: number }) | null;
}

/** The documents and texts of commands that the server returns. */
export interface Documents {
  /** Makes the document of `status`. Throws FleetError `usage` for an unknown client. */
  readonly status: (snapshot: FleetSnapshot, query: DocumentQuery) => object;
  /** Makes the document of `alerts`. */
  readonly alerts: (config: Config, storage: Storage, client: string | null) => Promise<object>;
  /** Returns the lines of `explain` about an alert's rule. */
  readonly explain: (config: Config, storage: Storage, alert: Alert) => Promise<readonly string[]>;
  /** Returns the document of an error. */
  readonly error: (fault: FleetError) => object;
}

/** A request for a page or document, for the process that makes it. */
export interface LookRequest {
  readonly name: LookName;
  /** The target of the request. */
  readonly url: string;
  /** The named parts of the path. */
  readonly parts: Readonly<Record<string, string>>;
  /** True if the Accept header asks for OpenMetrics. */
  readonly isOpenMetrics: boolean;
  /** True if the page has the button that acknowledges: those who share an answer all have a name, or nobody has. */
  readonly mayAcknowledge: boolean;
}

/** A request in the process that answers it. */
export interface LookAsked extends Omit<LookRequest, 'name'> {
  readonly query: URLSearchParams;
  /** Aborted when nobody waits for the answer any more. */
  readonly signal: AbortSignal;
}

export type LookAnswerer = (asked: LookAsked) => Promise<Answer>;
