/** The meaning of a code, and what to do about it. */
export interface ErrorKind {
  /** A sentence that says what has happened. */
  readonly meaning: string;
  /** An imperative sentence that says what to do about it. */
  readonly advice: string;
  /** The exit status when it ends a run: 2 usage or configuration, 3 the run could not be made. */
  readonly exitStatus: 1 | 2 | 3;
  /** True if the same attempt may succeed a moment later (`--retry` looks at this). */
  readonly retryable: boolean;
}

const kind = (exitStatus: 1 | 2 | 3, retryable: boolean, meaning: string, advice: string): ErrorKind => ({
  meaning,
  advice,
  exitStatus,
  retryable,
});

/** Every code, what it means and what to do. docs/errors.md is printed from this table. */
export const errorTable = {
  usage: kind(2, false, 'The command line is wrong.', 'See fleet-health --help.'),
  'config-missing': kind(2, false, 'There is no config.xml where it was looked for.', 'Name it with -c FILE.'),
  'config-invalid': kind(2, false, 'config.xml has faults.', 'Mend the lines named; `check` lists all faults.'),
  'config-permissions': kind(2, false, 'Others can read secrets or write config.xml.', 'Run the command named.'),
  'config-broken': kind(1, false, 'config.xml is broken; the last valid one is used.', '`check` lists all faults.'),
  'secret-missing': kind(2, false, 'A password or passphrase could not be read.', 'Check the file or variable named.'),
  locked: kind(3, true, 'Another run holds the lock.', 'Wait for it to end.'),
  'state-unusable': kind(3, false, 'The state folder cannot be used.', 'Check its owner, mode and free space.'),
  'keys-invalid': kind(3, false, 'The key pairs in keys/ cannot be used.', 'Run `fleet-health keys list`.'),
  'key-in-use': kind(
    3,
    false,
    'Reports may wait that only this key opens.',
    'Let them come home first; `keys retire --force` gives them up.',
  ),
  interrupted: kind(1, true, 'The run was ended by a signal.', 'Nothing: the next run goes on.'),
  'run-deadline': kind(
    1,
    true,
    'The run reached its deadline before this visit was made.',
    'Raise concurrency or runDeadline.',
  ),
  unsupported: kind(
    2,
    false,
    'The configuration asks for something this version cannot do.',
    'See the README for what is built.',
  ),

  dns: kind(1, true, 'The name of the client does not resolve.', 'Check ip="..." and the name server.'),
  'connect-refused': kind(1, true, 'Nothing listens on the port.', 'Check that sshd runs, and ip and port.'),
  'connect-timeout': kind(
    1,
    true,
    'No TCP connection within the deadline.',
    'Check the network, a firewall, or that it is on.',
  ),
  'connect-failed': kind(1, true, 'The connection failed or broke.', 'Check the network between here and the client.'),
  'bastion-failed': kind(
    1,
    true,
    'A machine on the way to the client failed; the message says which and why.',
    'Mend the way to that machine, or its login.',
  ),
  'handshake-timeout': kind(
    1,
    true,
    'SSH did not finish its handshake in time.',
    'Check that the port belongs to sshd and its load.',
  ),
  'handshake-failed': kind(
    1,
    true,
    'The SSH handshake failed.',
    'Check that the port belongs to sshd and what sshd logs.',
  ),
  'sshd-rejection': kind(
    1,
    true,
    'sshd turned the connection away before the handshake: too many at a time, or a penalty for earlier logins.',
    "Put the collector's address into PerSourcePenaltyExemptList of the client's sshd_config, or raise MaxStartups.",
  ),
  'auth-failed': kind(1, false, 'The login was refused.', "Check username and key or password; see sshd's log."),
  'auth-timeout': kind(1, true, 'The login did not end in time.', 'Check PAM and name services on the client.'),
  'credentials-unusable': kind(
    1,
    false,
    'A private key or ssh-agent cannot be used.',
    'Check privateKey, passphrase and agent.',
  ),
  'host-key-unknown': kind(1, false, 'The host key is not known.', 'Run `fleet-health trust CLIENT`.'),
  'host-key-changed': kind(
    1,
    false,
    'The host key differs from the known one.',
    'If it is meant to: `fleet-health trust --replace CLIENT`.',
  ),
  'host-key-revoked': kind(1, false, 'The host key is marked @revoked.', 'Find out why; give the client a new key.'),
  'channel-failed': kind(
    1,
    true,
    'sshd refused to run a command.',
    'Check MaxSessions, ForceCommand and the login shell.',
  ),
  'channel-timeout': kind(1, true, 'sshd did not open a channel in time.', 'Check the load of the client.'),

  'no-runtime': kind(
    1,
    false,
    'The client has no Node.js (18.15 or newer), and may not or cannot be read without.',
    'Install it or name it with node="PATH", or set runtime="bring" or unsealed="allow".',
  ),
  'runtime-invalid': kind(
    2,
    false,
    'A file is no Node.js that can be uploaded to clients.',
    'Give a release of nodejs.org for that platform, as an archive or its bin/node.',
  ),
  'runtime-unavailable': kind(3, true, 'npm could not fetch a Node.js.', 'Give a file with --from FILE.'),
  'no-shell': kind(
    1,
    false,
    'The client did not run the loader with /bin/sh.',
    'Check the login shell and ForceCommand.',
  ),
  'restricted-key': kind(
    1,
    false,
    'The restricted key of the client does not run the agent that is needed.',
    'Install what `fleet-health authorize CLIENT --script` prints.',
  ),
  'upload-failed': kind(
    1,
    true,
    'The agent could not be uploaded to the client.',
    'Check free space and permissions in its home.',
  ),
  'agent-failed': kind(
    1,
    true,
    'The agent ended with an error.',
    'Look at the message; run `collect --dry-run CLIENT`.',
  ),
  'agent-timeout': kind(1, true, 'The agent did not answer in time.', 'Check the load of the client.'),
  'agent-stuck': kind(
    1,
    true,
    'An earlier agent still hangs in the kernel.',
    'Look for a dead disk or mount on the client.',
  ),
  'agent-output': kind(1, false, "What came was not the agent's answer.", 'Check what the login shell prints or runs.'),
  'visit-deadline': kind(
    1,
    true,
    'The visit did not end within clientDeadline.',
    'Check the client; raise clientDeadline.',
  ),
  'report-too-large': kind(
    1,
    false,
    'A report is larger than is allowed.',
    'Report this: an agent never sends so much.',
  ),
  'report-invalid': kind(
    1,
    false,
    'A report does not say what a report must.',
    'See the quarantine; compare versions.',
  ),
  'report-too-old': kind(1, false, 'A report is older than what is kept.', 'Nothing, or raise retention raw.'),
  'report-foreign': kind(
    1,
    false,
    'A report names another client or carries its id.',
    'See the quarantine; find out who sent it.',
  ),
  'report-deadly': kind(1, false, 'Two runs ended while they stored this one report.', 'See the quarantine.'),
  'report-refused': kind(1, false, 'The database refused it, or its client sent too much.', 'See the quarantine.'),
  'seal-no-key': kind(
    1,
    false,
    'A report is sealed to a key that is not live here.',
    'See `fleet-health keys list`; put the key that is named back into keys/ to open it.',
  ),
  'seal-corrupt': kind(1, false, 'A sealed report was changed or cut off.', 'See the quarantine.'),
  'spool-full': kind(
    3,
    true,
    'The disk of the collector is full or read-only.',
    'Make room; nothing was acknowledged.',
  ),
  'storage-unavailable': kind(3, true, 'The database cannot be reached.', 'Check <storage url> and the server.'),
  'storage-denied': kind(
    3,
    false,
    'The database refused the login or a right is missing.',
    'See the grants in docs/installation.md.',
  ),
  'storage-full': kind(3, true, 'The database is full.', 'Make room.'),
  'storage-read-only': kind(
    3,
    true,
    'The database is read-only.',
    'Check the file, or name the server that takes writes.',
  ),
  'storage-too-old': kind(3, false, 'The database server is too old.', 'Use MariaDB 10.6, MySQL 8.0 or newer.'),
  'storage-failed': kind(3, false, 'The database refused a statement.', 'Look at its words.'),
  'migration-mismatch': kind(
    3,
    false,
    'The schema is not the one this program knows.',
    'Run `fleet-health migrate --check`.',
  ),

  'mail-refused': kind(1, false, 'The mail server refused for good.', 'Check from, recipients and login.'),
  'mail-unavailable': kind(1, true, 'The mail server cannot be reached or put it off.', 'Check <smtp>.'),
  'mail-undelivered': kind(1, true, 'Mails were tried, and nobody took them.', 'See `fleet-health mail list`.'),
  'alerter-silent': kind(
    1,
    false,
    'Alerters have run here, but none has finished of late.',
    'Look at the cron line and the output of `fleet-health alert`.',
  ),
  'simulator-failed': kind(
    3,
    false,
    'The simulator could not open its servers.',
    'Check `ulimit -n`, and that all of 127.0.0.0/8 is this machine, as on every Linux.',
  ),
  'ingest-silent': kind(
    1,
    false,
    'Sealed reports wait in the database, and no `ingest` has opened them of late.',
    'Look at the cron line and the output of `fleet-health ingest`, where the private key is.',
  ),
  'disk-low': kind(
    1,
    false,
    'Less than a tenth is free where the collector itself writes.',
    'Make room there, or shorten <retention>; `fleet-health prune` does it at once.',
  ),
  'output-unwritable': kind(3, false, 'The output of a command cannot be written.', 'Make room for it.'),
  internal: kind(3, false, 'A fault in the program itself.', 'Please report it, with the message.'),
} as const satisfies Record<string, ErrorKind>;

export type ErrorCode = keyof typeof errorTable;
