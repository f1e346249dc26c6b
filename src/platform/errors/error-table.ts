/** The meaning of an error code, and the advice. */
export interface ErrorKind {
  /** A sentence that describes the error. */
  readonly meaning: string;
  /** An imperative sentence that describes the remedy. */
  readonly advice: string;
  /** The exit status if the error ends a run: 2 usage or configuration, 3 the run could not be made. */
  readonly exitStatus: 1 | 2 | 3;
  /** True if the same attempt may succeed a moment later (`--retry` reads this). */
  readonly retryable: boolean;
}

type Entry = (meaning: string, advice: string) => ErrorKind;

const entry =
  (exitStatus: ErrorKind['exitStatus'], retryable: boolean): Entry =>
  (meaning, advice) => ({ meaning, advice, exitStatus, retryable });

/** A client or a part of the run failed. */
const failed = entry(1, false);
/** A client or a part of the run failed, and a retry may succeed. */
const retry = entry(1, true);
/** The command line or the configuration is wrong. */
const wrong = entry(2, false);
/** The run could not be made. */
const stopped = entry(3, false);
const stoppedForNow = entry(3, true);

/** Every error code with its meaning and advice. docs/errors.md is printed from this table. */
export const errorTable = {
  usage: wrong('The command line is wrong.', 'See fleet-health --help.'),
  'config-missing': wrong(
    'There is no config.xml where it was looked for.',
    'Write one with `fleet-health init`, or name it with -c FILE.',
  ),
  'config-invalid': wrong('config.xml has faults.', 'Mend the lines named; `check` lists all faults.'),
  'config-permissions': wrong('Others can read secrets or write config.xml.', 'Run the command named.'),
  'config-broken': failed('config.xml is broken; the last valid one is used.', '`check` lists all faults.'),
  'secret-missing': wrong('A password or passphrase could not be read.', 'Check the file or variable named.'),
  locked: stoppedForNow('Another run holds the lock.', 'Wait for it to end.'),
  'state-unusable': stopped('The state folder cannot be used.', 'Check its owner, mode and free space.'),
  'keys-invalid': stopped('The key pairs in keys/ cannot be used.', 'Run `fleet-health keys list`.'),
  'import-unreadable': wrong('A list of machines cannot be read.', 'See what `fleet-health import --help` names.'),
  'crontab-failed': stopped(
    'The crontab of this account, or a unit, cannot be read or written.',
    'See crontab(1) and cron.allow.',
  ),
  'key-in-use': stopped(
    'Reports may wait that only this key opens.',
    'Let them come home first; `keys retire --force` gives them up.',
  ),
  interrupted: retry('The run was ended by a signal.', 'Nothing: the next run goes on.'),
  'run-deadline': retry(
    'The run reached its deadline before this visit was made.',
    'Raise concurrency or runDeadline.',
  ),
  unsupported: wrong(
    'The configuration asks for something this version cannot do.',
    'See the README for what is built.',
  ),

  'push-silent': failed(
    'A client that pushes its reports has not done so for three times its interval.',
    'Check that the machine is on and online, and run `fleet-health-agent push --once` there.',
  ),
  'push-failed': retry(
    'The collector did not acknowledge all reports; they are kept and sent again.',
    'Look into the log of `fleet-health serve` on the collector, and at `fleet-health show CLIENT` there.',
  ),
  'event-refused': failed(
    'An event was refused for good.',
    'Mend what the message names: the receiver does not take it.',
  ),
  'event-unsent': stoppedForNow(
    'Nobody has taken an event in time.',
    'Check the URL and the network, and send it again with the same --id.',
  ),
  'spoke-refused': failed(
    'A client that is asked over HTTP does not take the key of this collector, or does not answer with it.',
    'Put the agent.json there that `fleet-health enroll CLIENT` prints now, and look into the log of its spoke.',
  ),
  dns: retry('The name of the client does not resolve.', 'Check ip="..." and the name server.'),
  'connect-refused': retry('Nothing listens on the port.', 'Check that sshd runs, and ip and port.'),
  'connect-timeout': retry(
    'No TCP connection within the deadline.',
    'Check the network, a firewall, or that it is on.',
  ),
  'connect-failed': retry('The connection failed or broke.', 'Check the network between here and the client.'),
  'bastion-failed': retry(
    'A machine on the way to the client failed; the message says which and why.',
    'Mend the route to that machine, or its login.',
  ),
  'handshake-timeout': retry(
    'SSH did not finish its handshake in time.',
    'Check that the port belongs to sshd and its load.',
  ),
  'no-common-algorithm': failed(
    'The SSH server offers no algorithm that the built-in client has.',
    'Write transport="auto" (or "openssh"). For trust: ssh-keyscan HOST >FILE; fleet-health trust --from FILE.',
  ),
  'handshake-failed': retry('The SSH handshake failed.', 'Check that the port belongs to sshd and what sshd logs.'),
  'handshake-closed': retry(
    'The connection was accepted, and closed before an SSH server greeted.',
    'See what sshd logs, and what stands before it: a firewall, a proxy, a tunnel.',
  ),
  'sshd-rejection': retry(
    'sshd turned the connection away before the handshake: too many at a time, or a penalty for earlier logins.',
    "Put the collector's address into PerSourcePenaltyExemptList of the client's sshd_config, or raise MaxStartups.",
  ),
  'auth-failed': failed('The login was refused.', "Check username and key or password; see sshd's log."),
  'auth-timeout': retry('The login did not end in time.', 'Check PAM and name services on the client.'),
  'credentials-unusable': failed(
    'A private key or ssh-agent cannot be used.',
    'Check privateKey, passphrase and agent.',
  ),
  'host-key-unknown': failed('The host key is not known.', 'Run `fleet-health trust CLIENT`.'),
  'host-key-changed': failed(
    'The host key differs from the known one.',
    'If it is meant to: `fleet-health trust --replace CLIENT`.',
  ),
  'host-key-revoked': failed('The host key is marked @revoked.', 'Find out why; give the client a new key.'),
  'channel-failed': retry('sshd refused to run a command.', 'Check MaxSessions, ForceCommand and the login shell.'),
  'channel-timeout': retry('sshd did not open a channel in time.', 'Check the load of the client.'),

  'no-runtime': failed(
    'The client has no Node.js (18.15 or newer), and may not or cannot be read without.',
    'Install it or name it with node="PATH", or set unsealed="allow".',
  ),
  'no-shell': failed('The client did not run the loader with /bin/sh.', 'Check the login shell and ForceCommand.'),
  'restricted-key': failed(
    'The restricted key of the client does not run the agent that is needed.',
    'Install what `fleet-health authorize CLIENT --script` prints.',
  ),
  'upload-failed': retry(
    'The agent could not be uploaded to the client.',
    'Check free space and permissions in its home.',
  ),
  'agent-failed': retry('The agent ended with an error.', 'Look at the message; run `collect --dry-run CLIENT`.'),
  'agent-timeout': retry('The agent did not answer in time.', 'Check the load of the client.'),
  'agent-stuck': retry('An earlier agent still hangs in the kernel.', 'Look for a dead disk or mount on the client.'),
  'agent-output': failed("What came was not the agent's answer.", 'Check what the login shell prints or runs.'),
  'visit-deadline': retry('The visit did not end within clientDeadline.', 'Check the client; raise clientDeadline.'),
  'report-too-large': failed('A report is larger than is allowed.', 'Report this: an agent never sends so much.'),
  'inbox-strange': failed(
    'A folder of waiting files cannot be used, or has entries that are none.',
    'Look at them; remove them, or give them to this account.',
  ),
  'report-invalid': failed('A report does not say what a report must.', 'See the quarantine; compare versions.'),
  'report-too-old': failed('A report is older than what is kept.', 'Nothing, or raise retention raw.'),
  'report-foreign': failed(
    'A report names another client or carries its id.',
    'See the quarantine; find out who sent it.',
  ),
  'report-deadly': failed('Two runs ended while they stored this one report.', 'See the quarantine.'),
  'report-refused': failed('The database refused it, or its client sent too much.', 'See the quarantine.'),
  'seal-no-key': failed(
    'A report is sealed to a key that is not live here.',
    'See `fleet-health keys list`; put the key that is named back into keys/ to open it.',
  ),
  'seal-corrupt': failed('A sealed report was changed or cut off.', 'See the quarantine.'),
  'spool-full': stoppedForNow(
    'The disk of the collector is full or read-only.',
    'Make room; nothing was acknowledged.',
  ),
  'storage-unavailable': stoppedForNow('The database cannot be reached.', 'Check <storage url> and the server.'),
  'storage-denied': stopped(
    'The database refused the login or a right is missing.',
    'See the grants in docs/installation.md.',
  ),
  'storage-full': stoppedForNow('The database is full.', 'Make room.'),
  'storage-read-only': stoppedForNow(
    'The database is read-only.',
    'Check the file, or name the server that takes writes.',
  ),
  'storage-too-old': stopped(
    'The database server is too old.',
    'Use the version that the message names, or a newer one.',
  ),
  'storage-failed': stopped('The database refused a statement.', 'Look at its words.'),
  'migration-mismatch': stopped('The schema is not the one this program knows.', 'Run `fleet-health migrate --check`.'),

  'mail-refused': failed('The mail server refused for good.', 'Check from, recipients and login.'),
  'mail-unavailable': retry('The mail server cannot be reached or put it off.', 'Check <smtp>.'),
  'replies-unread': retry('Replies to mails could not be read.', 'Check <replies>; `check --replies` tries it.'),
  'mail-undelivered': retry('Mails were tried, and nobody took them.', 'See `fleet-health mail list`.'),
  'pass-incomplete': retry(
    'A part of a pass of the alerter failed; the others went on.',
    'The next pass does it again. If it fails each time, look at the row or file that the line names.',
  ),
  'alerter-silent': failed(
    'Alerters have run here, but none has finished of late.',
    'Look at the cron line and the output of `fleet-health alert`.',
  ),
  'simulator-failed': stopped(
    'The simulator could not open its servers.',
    'Check `ulimit -n`, and that all of 127.0.0.0/8 is this machine, as on every Linux.',
  ),
  'ingest-silent': failed(
    'Sealed reports wait in the database, and no `ingest` has opened them of late.',
    'Look at the cron line and the output of `fleet-health ingest`, where the private key is.',
  ),
  'disk-low': failed(
    'Less than a tenth is free where the collector itself writes.',
    'Make room there, or shorten <retention>; `fleet-health prune` does it at once.',
  ),
  'textfile-unwritable': failed(
    'The file of <metrics textfile> cannot be written; the run itself went well.',
    'Make its folder, and let this user write there.',
  ),
  'listen-failed': stopped('`serve` cannot listen.', 'Check host, port, socket and tls of <serve>.'),
  'output-unwritable': stopped('The output of a command cannot be written.', 'Make room for it.'),
  'descriptors-exhausted': stoppedForNow(
    'The process has too many open files.',
    'Raise the limit: `ulimit -n`, or LimitNOFILE= of a unit; or lower <collector concurrency>.',
  ),
  'system-refused': stopped(
    'The operating system refused to open, read, write or start something.',
    'Check the disk, its quota, and the rights of this account there.',
  ),
  'collector-fault': stoppedForNow(
    'The machine of the collector lacks memory, ports, a program, a route or a resolver, so that it reached nobody.',
    'Mend that on the machine of the collector; the message names it. It says nothing about the client.',
  ),
  internal: stopped('A fault in the program itself.', 'Please report it, with the message.'),
} as const satisfies Record<string, ErrorKind>;

export type ErrorCode = keyof typeof errorTable;
