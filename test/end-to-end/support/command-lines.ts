/**
 * All commands and modes of both programs, and all lines of crontab.example and of the units: of each a command line,
 * as a person types it, with what it says. The lines run in this order in one home. HQ, POSTS and PORT stand for the
 * addresses of `serve` and of a server of pattoo.
 */
export interface CommandLine {
  readonly line: string;
  /** Expected on standard output or standard error. */
  readonly says: RegExp;
  /** Default: 0. */
  readonly exit?: number;
  /** Expected with -q, in a home where only such lines are typed; `same`: as without -q. */
  readonly quiet?: 'same' | RegExp;
  /** For a mode that keeps running: ended once it has said so, or with all lines. */
  readonly runs?: 'until it says so' | 'until all have ended';
}

const resident = { runs: 'until it says so' } as const;
/** A line that does something. */
const done = { quiet: /^$/ } as const;
/** A line that asks for something, or is refused. */
const asked = { quiet: 'same' } as const;

const collectorLines: readonly CommandLine[] = [
  {
    line: 'fleet-health init --mail-to ops@example.org --clients here=127.0.0.1 -c made.xml',
    says: /made\.xml is writ/,
    ...done,
  },
  { line: "printf '192.0.2.9 nas\\n' | fleet-health import hosts", says: /<client .*nas/, ...asked },
  { line: 'fleet-health keys generate', says: /^Key [0-9a-f]{16} seals from now on/, ...done },
  { line: 'fleet-health check', says: /^disk .*1%/m, quiet: /^warning: [^]* is valid/ },
  { line: 'fleet-health trust', says: /^web +connect-refused/m, exit: 1, ...asked },
  { line: 'fleet-health collect here', says: /event=summary .*succeeded=1 failed=0 .*stored=[1-9]/, ...done },
  {
    line: 'fleet-health collect --every 10s here',
    says: /event=summary .*succeeded=1 .*stored=1[^]*event=summary/,
    ...resident,
  },
  { line: 'fleet-health -q -c config.xml collect', says: /^$/, exit: 1 },
  { line: 'fleet-health -c config.xml collect', says: /event=summary .*succeeded=1 failed=2/, exit: 1 },
  { line: 'fleet-health alert', says: /event=sent recipient=ops@example\.org/, ...done },
  { line: 'sleep 20; fleet-health -q -c config.xml alert', says: /^$/ },
  { line: 'fleet-health -c config.xml alert', says: /event=summary/ },
  { line: 'fleet-health alert --every 10s', says: /event=summary[^]*event=summary/, ...resident },
  { line: 'fleet-health status', says: /^here +ok/m, ...asked },
  { line: 'fleet-health alerts', says: /critical +here +disk \//, ...asked },
  { line: 'fleet-health explain here disk', says: /^disk \(critical at least 1 %\)/m, ...asked },
  { line: 'fleet-health show here', says: /disk/, ...asked },
  { line: 'fleet-health ack here disk', says: /^acknowledged \d+: here, disk/, ...done },
  { line: 'fleet-health unack here disk', says: /^no longer acknowledged \d+: here, disk/, ...done },
  { line: 'fleet-health silence add --client here --for 1h', says: /^Silence 1: client here/, ...done },
  { line: 'fleet-health silence list', says: /^ *1 +here/m, ...asked },
  { line: 'fleet-health silence expire 1', says: /^Silence 1 has ended/, ...done },
  { line: 'fleet-health mail list', says: /no mail/i, ...asked },
  { line: 'fleet-health mail resend 999', says: /no mail 999 waits/, exit: 2, ...asked },
  { line: 'fleet-health mail discard 999', says: /no mail 999 waits/, exit: 2, ...asked },
  { line: 'fleet-health digest', says: /^Subject: Digest: 1 critical open/, ...asked },
  { line: 'fleet-health changes', says: /change/, ...asked },
  { line: 'fleet-health forecast', says: /file system/, ...asked },
  { line: 'fleet-health outliers', says: /No group has five active clients/, ...asked },
  { line: 'fleet-health tune', says: /^Since .* \(30 days\): \d+ mails?, /, ...asked },
  { line: 'fleet-health report -o fleet.html', says: /fleet\.html: 3 clients/, ...done },
  { line: 'fleet-health metrics', says: /^fleet_health_client_info\{client="here"/m, ...asked },
  { line: 'fleet-health export csv --families disk', says: /^"here",.*"\/"/m, ...asked },
  { line: 'fleet-health crontab', says: /^\* \* \* \* \* .* alert$/m, ...asked },
  { line: 'fleet-health tokens add anna', says: /^fh_/, ...asked },
  { line: 'fleet-health tokens list', says: /^anna +look/m, ...asked },
  { line: 'fleet-health tokens remove anna', says: /^The token of anna opens nothing any more/, ...done },
  { line: 'fleet-health serve', says: /event=serve-started/, ...resident },
  { line: 'fleet-health -c config.xml serve', says: /event=serve-started/, runs: 'until all have ended' },
  { line: 'fleet-health serve --idle-exit 10m', says: /another program listens there/, exit: 3, ...asked },
  {
    line: 'fleet-health events url backup --host nas',
    says: /\/events\/ping\/fh_[^]*No rule watches it/,
    quiet: /^\(curl .*\n\(wget .*\n$/,
  },
  { line: 'fleet-health events send here backup OK fine --to HQ', says: /events has the event/, ...done },
  { line: 'fleet-health enroll pushing --https HQ -o enrolled.json', says: /is the agent\.json of pushing/, ...done },
  { line: 'fleet-health receive pushing </dev/null', says: /the stream ended too early/, exit: 1, ...asked },
  { line: 'fleet-health authorize web', says: /^restrict|^command=/m, ...asked },
  { line: 'fleet-health spool web --every 10m', says: /^# For the crontab/, ...asked },
  { line: 'fleet-health cleanup here --yes', says: /^here: .* removed/, ...done },
  { line: 'fleet-health prune', says: /Nothing was old enough to go|rows/, ...done },
  { line: 'fleet-health backup saved.db', says: /saved\.db: the database as it was just now/, ...done },
  { line: 'fleet-health copy --to sqlite:copied.db', says: /all [\d,]+ rows of \d+ tables are those of/, ...done },
  { line: 'fleet-health migrate', says: /^The database is up to date/, ...done },
  { line: 'fleet-health keys rotate', says: /^Key [0-9a-f]{16} seals from now on/, ...done },
  { line: 'fleet-health keys list', says: /seals and opens/, ...asked },
  { line: 'fleet-health keys retire 0000', says: /there is no key 0000/, exit: 3, ...asked },
  { line: 'fleet-health keys import-public missing.pem', says: /missing\.pem/, exit: 3, ...asked },
  { line: 'fleet-health ingest', says: /event=summary .*outcome=finished/, ...done },
  { line: 'sleep 10; fleet-health -q -c config.xml ingest', says: /^$/ },
  { line: 'fleet-health -c config.xml ingest', says: /event=summary .*outcome=finished/ },
  { line: 'fleet-health forget collector 0000', says: /there is no collector 0000/, exit: 2, ...asked },
  { line: 'fleet-health forget client gone --yes', says: /there is no client "gone"/, exit: 2, ...asked },
  { line: 'fleet-health completion bash', says: /complete -F/, ...asked },
  { line: 'fleet-health complete -- sta', says: /^status/, ...asked },
  { line: 'fleet-health simulate --clients 1 --every 10s', says: /Ctrl-C/, ...resident },
  { line: 'fleet-health demo', says: /To look at the fleet/ },
];

const background = (mode: string): readonly CommandLine[] => [
  { line: `fleet-health-agent start ${mode}`, says: new RegExp(`^${mode} is running \\(pid \\d+\\)`), ...done },
  { line: `fleet-health-agent status ${mode}`, says: new RegExp(`^${mode} is running: pid \\d+`), ...asked },
  { line: `fleet-health-agent stop ${mode}`, says: new RegExp(`^${mode} has ended`), ...done },
];

const agentLines: readonly CommandLine[] = [
  { line: 'fleet-health-agent report --format daemon-report', says: /"Daemon report"/, ...asked },
  { line: 'fleet-health-agent report --every 10s -o made.jsonl', says: /event=reporting/, ...resident },
  { line: 'fleet-health-agent push', says: /^\d reports? sent/, ...done },
  { line: 'fleet-health-agent push --every 10s', says: /event=pushed acknowledged=1/, ...resident },
  { line: 'fleet-health-agent push --format pattoo --to POSTS', says: /^1 report sent/, ...done },
  { line: 'fleet-health-agent push --format pattoo --to POSTS --every 10s', says: /event=pushed acknow/, ...resident },
  { line: 'fleet-health-agent edge', says: /event=alert .*disk/, ...resident },
  { line: 'fleet-health-agent spoke', says: /event=listening/, ...resident },
  { line: 'fleet-health-agent run report', says: /event=reporting/, ...resident },
  { line: 'fleet-health-agent run push --every 10s', says: /event=pushed acknowledged=1/, ...resident },
  { line: 'fleet-health-agent run pattoo', says: /event=pushed acknowledged=1/, ...resident },
  { line: 'fleet-health-agent run edge', says: /event=started/, ...resident },
  { line: 'fleet-health-agent run spoke', says: /event=listening/, ...resident },
  ...background('report'),
  ...background('push'),
  ...background('pattoo'),
  ...background('edge'),
  ...background('spoke'),
  { line: 'fleet-health-agent start push --every 10s', says: /^push is running/, ...done },
  { line: 'fleet-health-agent restart push --every 11s', says: /^push is running/, ...done },
  { line: 'fleet-health-agent reload push', says: /^push reads agent\.json again/, ...done },
  { line: 'fleet-health-agent stop --force push', says: /^push has ended/, ...done },
  { line: 'fleet-health-agent completion bash', says: /complete -F/, ...asked },
  { line: 'fleet-health-agent complete -- sta', says: /^status|^start/, ...asked },
];

export const commandLines: readonly CommandLine[] = [...collectorLines, ...agentLines];
