/** The failures of clients that fail every visit, in the order of a visit's stages. */
export const deadCauses = {
  refused: 'nothing listens',
  unanswered: 'the machine does not answer, as one that is switched off',
  silent: 'TCP stands, and nothing follows',
  banner: 'nothing follows the version line',
  'key-exchange': 'the key exchange hangs',
  'host-key-changed': 'the host key is not the known one',
  login: 'the login hangs',
  'login-refused': 'the login is refused',
  channel: 'a command is never started',
  agent: 'the agent says nothing',
  report: 'the agent hangs in the middle of its report',
  cut: 'the connection breaks in the middle of the report',
} as const;

export type DeadCause = keyof typeof deadCauses;

/** A lasting fault of a client that can be visited. */
export type Ailment = 'full-disk' | 'wrong-clock' | 'restless' | 'slow';

/** The shares of clients by role in a storm. `bastion`: the client is behind the bastion that fails. */
const stormShares = {
  bastion: 0.05,
  rack: 0.05,
  busy: 0.15,
  'full-disk': 0.1,
  'failed-unit': 0.05,
  flaky: 0.05,
  rebooted: 0.03,
  silent: 0.02,
  'host-key-changed': 0.01,
  clock: 0.01,
} as const;

export type StormPart = keyof typeof stormShares;

export interface Profile {
  /** A line for the help text. */
  readonly help: string;
  /** The share of clients that fail every visit, evenly spread over the failures, at least one client each. */
  readonly deadShare: number;
  readonly ailments: Readonly<Partial<Record<Ailment, number>>>;
  /** The share of visits that break off and leave a report for the next visit. */
  readonly brokenShare: number;
  /** The range of the time from the connection to the version line. */
  readonly latencyMs: readonly [number, number];
  /** The range of the time from the agent's hello to its report. */
  readonly agentMs: readonly [number, number];
  /** The share of clients by role in a storm; null without storms. */
  readonly storm: Readonly<Record<StormPart, number>> | null;
}

export const profileNames = ['clean', 'slow', 'lossy', 'storm'] as const;
export type ProfileName = (typeof profileNames)[number];

const clean: Profile = {
  help: 'every client answers at once, and nothing is wrong with any',
  deadShare: 0,
  ailments: {},
  brokenShare: 0,
  latencyMs: [0, 0],
  agentMs: [0, 0],
  storm: null,
};

export const profiles: Readonly<Record<ProfileName, Profile>> = {
  clean,
  slow: {
    ...clean,
    help: 'every agent takes 2 to 6 seconds, as where disks are busy: many visits at the same time',
    agentMs: [2000, 6000],
  },
  lossy: {
    help: '5 % dead in every way, full disks, wrong clocks, reboots, delays, visits that break off',
    deadShare: 0.05,
    ailments: { 'full-disk': 0.01, 'wrong-clock': 0.01, restless: 0.01, slow: 0.01 },
    brokenShare: 0.01,
    latencyMs: [1, 60],
    agentMs: [20, 150],
    storm: null,
  },
  storm: {
    ...clean,
    help: 'calm, then everything at once: a bastion and a rack gone, overload, full disks, reboots; and again',
    latencyMs: [0, 5],
    agentMs: [0, 30],
    storm: stormShares,
  },
};

/** The most clients behind the bastion: all their connections share one login, and more are rare. */
export const maxBehindBastion = 200;
