import type { Benchmark } from './figure.ts';

export interface ListedBenchmark {
  readonly name: string;
  /** A line of description. */
  readonly what: string;
  /** The duration in minutes on two idle cores. */
  readonly minutes: number;
  /** True for a benchmark without a target, which runs only if it is named. */
  readonly byNameOnly: boolean;
  readonly load: () => Promise<Benchmark>;
}

const listed = (name: string, minutes: number, what: string, load: () => Promise<Benchmark>): ListedBenchmark => ({
  name,
  what,
  minutes,
  byNameOnly: false,
  load,
});
const byName = (...args: Parameters<typeof listed>): ListedBenchmark => ({ ...listed(...args), byNameOnly: true });

/** The benchmarks in the order of their runs and of docs/performance.md. */
export const benchmarks: readonly ListedBenchmark[] = [
  listed('collector', 1.5, 'CPU of a visit on real sshd, beside ssh host true', async () => {
    return (await import('./collector.ts')).benchCollector;
  }),
  listed('throughput', 4, 'clients per second on real sshd, beside Ansible and parallel-ssh', async () => {
    return (await import('./throughput.ts')).benchThroughput;
  }),
  listed('transports', 2, 'a visit at 100 ms round trip, and its CPU, beside ssh host true', async () => {
    return (await import('./transports.ts')).benchTransports;
  }),
  listed('agent', 3, 'what the agent costs a client, beside node -e 0', async () => {
    return (await import('./agent.ts')).benchAgent;
  }),
  listed('changes', 1.5, 'what the state costs a client, beside visits without', async () => {
    return (await import('./changes.ts')).benchChanges;
  }),
  listed('changes-stored', 5, 'a year of the state of 1,000 clients in the database', async () => {
    return (await import('./changes.ts')).benchChangesStored;
  }),
  listed('fleet', 5, '100 to 50,000 simulated clients; 1,000 visits in flight', async () => {
    return (await import('./fleet.ts')).benchFleet;
  }),
  listed('fleet-lossy', 13, 'the same with 5 % dead in every way', async () => {
    return (await import('./fleet.ts')).benchFleetLossy;
  }),
  listed('sealed', 1, 'sealed files to rows, beside the bare work of opening them', async () => {
    return (await import('./sealed.ts')).benchSealed;
  }),
  listed('alerter', 4, 'the alerter over a million rows', async () => {
    return (await import('./alerter.ts')).benchAlerter;
  }),
  listed('start', 1, 'alert with nothing to do, and --version, beside node -e 0', async () => {
    return (await import('./start.ts')).benchStart;
  }),
  listed('config', 1, 'config.xml with 100 to 50,000 clients, beside a bare parse', async () => {
    return (await import('./config.ts')).benchConfig;
  }),
  listed('status', 6, 'status with ten million rows stored', async () => {
    return (await import('./status.ts')).benchStatus;
  }),
  listed('installed-size', 0.5, 'what npm install takes on the disk', async () => {
    return (await import('./installed-size.ts')).benchInstalledSize;
  }),
  byName('neighbours', 5, 'a run of 1,000 with 20 lost that others look at, beside the same with it off', async () => {
    return (await import('./neighbours.ts')).benchNeighbours;
  }),
  byName('strangers', 6, 'what one site and one client cost the others of their run', async () => {
    return (await import('./strangers.ts')).benchStrangers;
  }),
  byName('serve', 20, 'the first screen of 10,000 clients, and the memory of a day of requests', async () => {
    return (await import('./serve.ts')).benchServe;
  }),
  byName(
    'push',
    5,
    'pushes of 10,000 clients through one `serve`, beside visits of as many; events a second',
    async () => {
      return (await import('./push.ts')).benchPush;
    },
  ),
  byName('forward', 12, 'a site of 50,000 simulated clients that forwards, and who takes it', async () => {
    return (await import('./forward.ts')).benchForward;
  }),
  byName('shared', 40, 'how much faster two and three collectors of a site are than one', async () => {
    return (await import('./shared.ts')).benchShared;
  }),
  byName(
    'viewers',
    12,
    'what pages weigh and cost; a pass of the collector while 20 people look at `serve`',
    async () => {
      return (await import('./viewers.ts')).benchViewers;
    },
  ),
  byName('storage', 2, 'reports to rows by size of the transaction', async () => {
    return (await import('./storage.ts')).benchStorage;
  }),
  byName('backlog', 5, "a day's 100,000 sealed reports that wait beside those of each run", async () => {
    return (await import('./backlog.ts')).benchBacklog;
  }),
  byName('alert-store', 4, 'where the time of a backlog goes in the database', async () => {
    return (await import('./alert-store.ts')).benchAlertStore;
  }),
  byName('replay', 3, 'alert --replay over one day and three', async () => {
    return (await import('./replay.ts')).benchReplay;
  }),
  byName('tune', 6, 'tune over a month and over five years of the alerts of 1,000 clients', async () => {
    return (await import('./tune.ts')).benchTune;
  }),
  byName('report', 12, 'the report of 64, 1,000 and 10,000 clients with 30 days of rows', async () => {
    return (await import('./report.ts')).benchReport;
  }),
  byName('report-peer', 10, 'the report of 100 clients, beside the static pages of Munin', async () => {
    return (await import('./report-peer.ts')).benchReportPeer;
  }),
  byName('retention', 15, 'what a year takes, what is asked of it, and pruning', async () => {
    return (await import('./retention.ts')).benchRetention;
  }),
  byName('forecast', 0.5, 'how often estimators are right about what will be full', async () => {
    return (await import('./forecast.ts')).benchForecast;
  }),
  byName('foresee', 3, 'forecasts, outliers and a digest of 10,000 clients', async () => {
    return (await import('./foresee.ts')).benchForesee;
  }),
];
