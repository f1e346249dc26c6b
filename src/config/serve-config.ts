import type { Secret } from './secret.ts';
import type { FamilyGroup } from './values/family-groups.ts';

/** The sockets of `fleet-health serve`, and who may look. */
export interface ServeConfig {
  /** The addresses to listen on; empty: the Unix socket alone. */
  readonly hosts: readonly string[];
  readonly port: number;
  /** Absolute path of the Unix socket. */
  readonly socket: string | null;
  /** Absolute paths of PEM files. */
  readonly tls: { readonly cert: string; readonly key: string } | null;
  /** Addresses and networks, and `socket`. */
  readonly trustedProxies: readonly string[];
  /** In lower case. */
  readonly userHeader: string | null;
  /** `always`: loopback and the Unix socket need a token too. */
  readonly auth: 'beyond-loopback' | 'always';
  readonly look: boolean;
  /** The families of /metrics; null: it is off. */
  readonly metrics: readonly FamilyGroup[] | null;
  /** True if the address `::` takes no IPv4. */
  readonly ipv6Only: boolean;
  /** Names at the top level of the configuration whose values `/status` hides. */
  readonly hiddenOpts: readonly string[];
  /** null: events are not taken. */
  readonly events: ServedEventsConfig | null;
  /** True if clients may push. */
  readonly push: boolean;
  /** A program whose exit status is part of /ping; null: none. */
  readonly ping: ServedCommand | null;
  /** A program whose JSON joins /status; null: none. */
  readonly status: ServedCommand | null;
}

/** A program that `serve` starts. */
export interface ServedCommand {
  readonly command: string;
  readonly timeoutMs: number;
}

/** The senders that may send events, and how many. */
export interface ServedEventsConfig {
  /** True if datagrams are taken too. */
  readonly udp: boolean;
  /** Addresses and networks, and `socket`; null: everybody who reaches the server. */
  readonly from: readonly string[] | null;
  /** The most events of an address in a minute; null: 600, and any number from this machine. */
  readonly maxPerMinute: number | null;
  /** A program that is given each event; null: none. */
  readonly handOver: ServedCommand | null;
}

/** A `serve` that `serve --fleet` asks. */
export interface SiteConfig {
  readonly name: string;
  /** The URL, which ends with a slash. */
  readonly url: string;
  readonly token: Secret | null;
  /** Absolute path of a PEM file; null: the authorities that Node.js knows. */
  readonly ca: string | null;
}
