import type { FamilyGroup } from './values/family-groups.ts';

/** The sockets of `fleet-health serve`, and the access to them. */
export interface ServeConfig {
  /** The addresses to listen on; empty: the Unix socket alone. */
  readonly hosts: readonly string[];
  readonly port: number;
  /** Absolute path of the Unix socket. */
  readonly socket: string | null;
  /** Absolute paths of PEM files. */
  readonly tls: { readonly cert: string; readonly key: string } | null;
  /** The addresses and networks of trusted proxies, and `socket`. */
  readonly trustedProxies: readonly string[];
  /** The name of the header in lower case. */
  readonly userHeader: string | null;
  /** `always`: loopback and the Unix socket need a token too. */
  readonly auth: 'beyond-loopback' | 'always';
  readonly look: boolean;
  /** The families of /metrics; null: /metrics is off. */
  readonly metrics: readonly FamilyGroup[] | null;
  /** True if the address `::` does not accept IPv4. */
  readonly ipv6Only: boolean;
  /** Names at the top level of the configuration whose values `/status` hides. */
  readonly hiddenOpts: readonly string[];
  /** The settings of events; null: the server accepts no events. */
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

/** The senders that may send events, and their rate. */
export interface ServedEventsConfig {
  /** True if the server accepts datagrams too. */
  readonly udp: boolean;
  /** Addresses and networks, and `socket`; null: every sender that reaches the server. */
  readonly from: readonly string[] | null;
  /** The most events of one address in a minute; null: 600, and no limit for this machine. */
  readonly maxPerMinute: number | null;
  /** A program that receives each event; null: none. */
  readonly handOver: ServedCommand | null;
}
