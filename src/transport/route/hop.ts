/** src/transport/route: config and ssh_config -> hops. */
import type { Secret } from '../../config/secret.ts';

/** A machine on the route to a client, the client included, with everything needed to log in to the machine. */
export interface Hop {
  /** The client's or bastion's name, for messages. A machine that only a proxyJump names has its name there. */
  readonly name: string;
  readonly kind: 'client' | 'bastion';
  /** A host name or IP address. The machine before this one resolves the name. */
  readonly address: string;
  readonly port: number;
  /** The address family for a connection from the collector. 0 allows both. */
  readonly family: 0 | 4 | 6;
  readonly username: string;
  /**
   * The name under which known_hosts holds the machine's key, as `hostName` forms it. The name is formed from the
   * address, or from the machine's own name if the machine lies behind another: the same private address may belong to
   * several machines. A HostKeyAlias is used unchanged.
   */
  readonly knownAs: string;
  /** Absolute paths. All files are read; new keys are written to the first. */
  readonly knownHosts: readonly string[];
  readonly policy: 'strict' | 'accept-new';
  /** The key exchanges to offer, as `kex` or ssh_config's KexAlgorithms lists them. null if neither is set. */
  readonly kex: string | null;
  readonly credentials: HopCredentials;
  /** The timeout of a TCP connection from ssh_config, in milliseconds. null if the collector's timeout applies. */
  readonly connectTimeoutMs: number | null;
  /**
   * The host name that OpenSSH is called with and the ssh_config files that it reads. `overruled` is true if config.xml
   * sets proxyJump, which overrides ssh_config.
   */
  readonly sshConfig: { readonly host: string; readonly files: readonly string[]; readonly overruled: boolean };
  /** Every effective value and its source, for display. */
  readonly values: readonly HopValue[];
}

/**
 * The credentials that may be offered to this machine, and to no other. No file has been read and no secret revealed
 * yet.
 */
export interface HopCredentials {
  readonly password: Secret | null;
  /** The private keys, in the order in which they are offered. */
  readonly privateKeys: readonly IdentityFile[];
  /** The passphrase of the private keys. */
  readonly passphrase: Secret | null;
  /** The ssh-agent: `env` for $SSH_AUTH_SOCK, or the absolute path of its socket. null for no agent. */
  readonly agent: string | null;
  /** True if only the agent's keys that `privateKeys` names are offered (ssh_config's IdentitiesOnly). */
  readonly identitiesOnly: boolean;
}

export interface IdentityFile {
  /** An absolute path. */
  readonly path: string;
  /** True if the key is a default or comes from ssh_config. As in ssh, a missing optional file is skipped. */
  readonly optional: boolean;
}

export interface HopValue {
  /** The attribute's name in config.xml: `username`, `ip`, `privateKey` ... */
  readonly name: string;
  /** The value as config.xml would write it. Never a secret. */
  readonly value: string;
  /** The source: `config.xml:12`, `/home/ops/.ssh/config:3`, `default`, or a short reason. */
  readonly source: string;
}
