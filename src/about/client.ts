import { findRule } from '../config/rules/rule-matcher.ts';
import { clientsByName } from '../config/clients/select-clients.ts';
import type { AboutKind } from './about.ts';
import { alertLabel } from './alert-label.ts';

/** A client that config.xml names, or once named. */
export const aboutClient: AboutKind = {
  about: 'client',
  named: (key) => [key.client, ...alertLabel(key)],
  mark: ({ client }) => client,
  commandName: ({ client }) => client,
  source: ({ client }) => client,
  namesItself: false,
  mayNameCollector: false,
  ruleOf: ({ clients }, { client, rule }) => findRule(clientsByName(clients).get(client)?.rules ?? [], rule),
  windowsOf: ({ clients }, { client }) => clientsByName(clients).get(client)?.windows ?? [],
  isCovered: ({ client }, isCovered) => isCovered(client),
  isShown: ({ client }, { clients }) => clients.has(client),
  followsRows: true,
  isNewsAtOnce: false,
  tellsEachLoss: false,
  carriesOthers: false,
  urgentSource: ({ client }) => client,
};
