import { membersByGroup } from '../config/clients/group-needs.ts';
import type { AboutKind } from './about.ts';

/** The mark of a group in patterns for clients. */
export const groupMark = '@';

/** A group that needs some of its members. Its name is the subject of its alert. */
export const aboutGroup: AboutKind = {
  about: 'group',
  named: ({ rule, subject }) => [`the group ${subject}`, rule],
  mark: () => '(group)',
  commandName: ({ subject }) => subject,
  source: ({ subject }) => (subject === '' ? 'fleet-health' : subject),
  namesItself: true,
  mayNameCollector: false,
  ruleOf: ({ needs }, { subject }) => needs.find(({ name }) => name === subject)?.rule ?? null,
  windowsOf: ({ needs }, { subject }) => needs.find(({ name }) => name === subject)?.windows ?? [],
  isCovered: ({ subject }, isCovered, config) => {
    const members = membersByGroup(config).get(subject) ?? [];
    return isCovered('') || (members.length > 0 && members.every(({ name }) => isCovered(name)));
  },
  isShown: ({ subject }, { isWhole, groups }) => isWhole || groups.has(subject),
  followsRows: false,
  isNewsAtOnce: true,
  tellsEachLoss: true,
  carriesOthers: true,
  urgentSource: ({ subject }) => groupMark + subject,
};
