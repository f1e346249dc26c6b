import type { StatePaths } from '../state/paths.ts';

/** What may be away. */
export interface AwayTopic {
  /** As rules are named in <notify rules> and <mail rules>. */
  readonly rule: 'database-away' | 'config-broken';
  readonly state: Extract<keyof StatePaths, 'databaseAway' | 'configBroken'>;
  /** The mail comes again as <alerts repeat> says. */
  readonly repeats: boolean;
  /** The state is there before it is needed, for a disk that is full may be the reason. */
  readonly isPrepared: boolean;
}

export const databaseAway: AwayTopic = {
  rule: 'database-away',
  state: 'databaseAway',
  repeats: true,
  isPrepared: true,
};

export const configBroken: AwayTopic = {
  rule: 'config-broken',
  state: 'configBroken',
  repeats: false,
  isPrepared: false,
};
