import type { Secret } from '../../config/secret.ts';

/** One machine on the way to a client, the client itself included, with everything that it takes to log in there. */
export interface Hop {
  /** The client's or bastion's name, in messages; of another machine as proxyJump has it. */
  readonly name: string;
  readonly kind: 'client' | 'bastion';
  /** Host name or IP address; resolved by the machine before it. */
  readonly address: string;
  readonly port: number;
  /** Of the address that is dialled from here; 0: either. */
  readonly family: 0 | 4 | 6;
  readonly username: string;
  /**
   * The name under which known_hosts holds its key, as `hostName` forms it: of the address, or of the client's name when
   * it lies behind another machine (the same private address may mean many machines); a HostKeyAlias as it is.
   */
  readonly knownAs: string;
  /** Absolute paths; all are read, and the first is the one that new keys are written to. */
  readonly knownHosts: readonly string[];
  readonly policy: 'strict' | 'accept-new';
  /** The key exchanges to offer, as `kex` or ssh_config's KexAlgorithms says it; null: neither does. */
  readonly kex: string | null;
  readonly credentials: HopCredentials;
  /** What ssh_config says of the time until TCP stands; null: nothing, the collector's own holds. */
  readonly connectTimeoutMs: number | null;
  /** What OpenSSH is asked for and reads for it: a name, and files; `overruled`: config.xml says whether it has a way before it. */
  readonly sshConfig: { readonly host: string; readonly files: readonly string[]; readonly overruled: boolean };
  /** Every value in force and where it comes from, for people. */
  readonly values: readonly HopValue[];
}

/** What may be offered to one machine, and to no other. Nothing is read or revealed yet. */
export interface HopCredentials {
  readonly password: Secret | null;
  /** In the order in which they are offered. */
  readonly privateKeys: readonly IdentityFile[];
  /** Opens the private keys. */
  readonly passphrase: Secret | null;
  /** An ssh-agent: `env` is $SSH_AUTH_SOCK, else its socket's absolute path; null: none. */
  readonly agent: string | null;
  /** True: of the agent's keys only those that `privateKeys` name are offered (ssh_config's IdentitiesOnly). */
  readonly identitiesOnly: boolean;
}

export interface IdentityFile {
  /** Absolute. */
  readonly path: string;
  /** True where nobody named it for this machine, or ssh_config did: as ssh does, a file that is not there is passed over. */
  readonly optional: boolean;
}

export interface HopValue {
  /** As config.xml calls it: `username`, `ip`, `privateKey` ... */
  readonly name: string;
  /** As config.xml would write it; never a secret. */
  readonly value: string;
  /** `config.xml:12`, `/home/ops/.ssh/config:3`, `default`, or in a few words why. */
  readonly source: string;
}
