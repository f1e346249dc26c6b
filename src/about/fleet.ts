import { findRule } from '../config/rules/rule-matcher.ts';
import type { AboutKind } from './about.ts';
import { alertLabel } from './alert-label.ts';

/** The fleet as a whole: its collectors, its database and its mail path. */
export const aboutFleet: AboutKind = {
  about: 'fleet',
  named: (key) => ['the fleet', ...alertLabel(key)],
  mark: () => '(fleet)',
  commandName: () => '',
  source: () => 'fleet-health',
  namesItself: false,
  mayNameCollector: true,
  ruleOf: ({ alerts }, { rule }) => findRule(alerts.rules, rule),
  windowsOf: ({ alerts }) => alerts.windows,
  isCovered: (_, isCovered) => isCovered(''),
  isShown: (_, { isWhole }) => isWhole,
  followsRows: false,
  isNewsAtOnce: true,
  tellsEachLoss: false,
  carriesOthers: false,
  urgentSource: () => '',
};
