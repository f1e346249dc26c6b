import type { Hop } from './hop.ts';

/** The route to a client. */
export interface Route {
  /** The machines on the route, from the collector outwards. The last is the client. */
  readonly hops: readonly Hop[];
  /** Configured features that ssh2 lacks and `transport="openssh"` has. */
  readonly unsupported: readonly Unsupported[];
  /** Options that are ignored or interpreted differently, as one sentence each with the place. */
  readonly notes: readonly string[];
  /**
   * Ignored options of ssh_config: unknown ones, and ones that are not followed (the built-in transport has no use for
   * most of them).
   */
  readonly passedOver: readonly PassedOver[];
  /** The ssh_config files that apply to the client, whether the files exist or not. Empty if none is read. */
  readonly sshConfigFiles: readonly string[];
}

/** A feature that ssh2 lacks, on one machine of the route. */
export interface Unsupported {
  /** The option as written: `ProxyCommand`, `CertificateFile`, `Match exec` ... */
  readonly option: string;
  /** `FILE:LINE`. */
  readonly place: string;
  /** The name of the machine that the option applies to. */
  readonly hop: string;
  /**
   * True if the connection would be wrong or unsafe without the feature, so that ssh2 refuses. False for one login
   * method among others, which ssh2 does without. `transport="auto"` takes OpenSSH in both cases.
   */
  readonly needed: boolean;
}

export interface PassedOver {
  /** null if no version of OpenSSH has the option. */
  readonly option: string | null;
  /** `FILE:LINE`. */
  readonly place: string;
  /** The name of the machine that the option applies to. */
  readonly hop: string;
  /** False if no version of OpenSSH has the option. */
  readonly known: boolean;
}
