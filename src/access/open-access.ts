import type { AccessControl, Identity } from './ports.ts';

const everybody: Identity = {
  kind: 'anonymous',
  name: 'anonymous',
  scopes: new Set(['read', 'decide']),
  seesAll: true,
  maySee: () => true,
};

/** Whoever can open the admin socket: the file's mode decides who that is. */
export const adminSocketUser: Identity = {
  kind: 'socket',
  name: 'admin-socket',
  scopes: new Set(['read', 'decide', 'admin']),
  seesAll: true,
  maySee: () => true,
};

/** No keys and no issuers are configured: everybody reads and decides, orders come over the admin socket alone. */
export const openAccess: AccessControl = {
  openMetrics: true,
  asksForKey: false,
  identify: ({ isAdminSocket }) => ({ kind: 'identified', identity: isAdminSocket ? adminSocketUser : everybody }),
};
