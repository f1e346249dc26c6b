import type { Attributes } from './element-spec.ts';

/** The attributes of `<metrics>`. */
export const metricsAttributes: Attributes = {
  textfile: {
    kind: 'path',
    help:
      "Written by `collect` and `alert` at a run's end, for node_exporter's textfile collector. Not in " +
      '`<serve>`, and ' +
      'needed elsewhere.',
  },
  families: {
    kind: 'families',
    help: 'Which figures: client, alerts, self, check, disk, network, series, separated by commas. Default: all.',
  },
};
