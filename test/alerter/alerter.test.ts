import { onBothDatabases } from '../storage/databases.ts';
import { passStory } from './whole-pass-story.ts';

const to = '<alerts repeat="12h"><mail to="ops@example.org"/>';
const web1 = '<client name="web-1" ip="192.0.2.1" username="u"/>';

onBothDatabases('whole passes', (kit) => {
  passStory({
    kit,
    name: 'one mail when it fires, one reminder, one when it is over',
    elements: `<collector every="15m"/>${to}<alert type="disk" limit="95%"/></alerts>${web1}`,
    happens: `
      07:45
      08:00-19:45 web-1 disk / 96
      20:00 web-1 disk / 96
      20:15-20:45`,
    told: `
      08:01 ops: firing critical web-1 disk /
      20:01 ops: reminder critical web-1 disk /
      20:31 ops: resolved web-1 disk /`,
  });
});
