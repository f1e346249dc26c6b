/** The shape that each kind of thing that alerts are about fills, and the key of an alert. */
import type { Config, Rule, Window } from '../config/config.ts';
import type { About } from '../config/rules/builtin-rules.ts';

/** At most one alert with the same key is open. `subject` is a mount, interface, unit, group ... or ''. */
export interface AlertKey {
  readonly client: string;
  readonly rule: string;
  readonly subject: string;
}

/** The key of an alert, and the kind of thing that the alert is about. */
export interface AboutKey extends AlertKey {
  readonly about: About;
}

/** The part of a fleet that a page, digest or answer shows. */
export interface Shown {
  /** The clients that it shows. */
  readonly clients: Pick<ReadonlySet<string>, 'has'>;
  /** The groups that it shows. */
  readonly groups: Pick<ReadonlySet<string>, 'has'>;
  /** True if it shows the whole fleet. */
  readonly isWhole: boolean;
}

/** The common part of the alerts of a kind. Everybody else asks this, and never for the kind. */
export interface AboutKind {
  readonly about: About;

  // Names.
  /** The thing that the alert is about, and the alert's label beside that. */
  readonly named: (key: AlertKey) => readonly [about: string, ...label: readonly string[]];
  /** The name in a column of clients: a client's own, else a mark in parentheses. */
  readonly mark: (key: Pick<AlertKey, 'client'>) => string;
  /** The name by which `ack` takes its alerts; '' if it has none. */
  readonly commandName: (key: AlertKey) => string;
  /** The source of the alert for a service of incidents. */
  readonly source: (key: AlertKey) => string;
  /** True if its title is its subject, with which its value begins. */
  readonly namesItself: boolean;
  /** True if its subject may be the id of a collector. */
  readonly mayNameCollector: boolean;

  // Its rule, and everybody whom it concerns.
  /** The rule of config.xml for it, that of a retired client too; null if there is none. */
  readonly ruleOf: (config: Config, key: AlertKey) => Rule | null;
  /** Its maintenance windows. */
  readonly windowsOf: (config: Config, key: AlertKey) => readonly Window[];
  /** True if a silence covers it whose pattern for clients `isCovered` tests. */
  readonly isCovered: (
    key: AlertKey,
    isCovered: (client: string) => boolean,
    config: Pick<Config, 'clients' | 'needs'>,
  ) => boolean;
  readonly isShown: (key: AlertKey, shown: Shown) => boolean;

  // Telling of it.
  /** True if rows and visits of its client decide on it, confirm it after a silence, and may show its cause. */
  readonly followsRows: boolean;
  /** True if its begin is told at once, whatever its severity. */
  readonly isNewsAtOnce: boolean;
  /** True if each of its sequences is a further loss, which is told as a begin is. */
  readonly tellsEachLoss: boolean;
  /** True if alerts of others stand below it in mails, and it for them. */
  readonly carriesOthers: boolean;
  /** The key under which its urgent mails of an hour are counted; '' if they are not. */
  readonly urgentSource: (key: AlertKey) => string;
}
