// The provider of scripts/oidc-check: oidc-provider as its authors ship it, with its own forms. Who signs in as `eve` has an
// email that nobody has verified; whoever else has one that is, and is in the groups of the environment's GROUPS.
//
//     node provider.mjs PORT REDIRECT_URI
import { Provider } from 'oidc-provider';

const [port, redirect] = process.argv.slice(2);
const groups = (process.env.GROUPS ?? '').split(',');
const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [{ client_id: 'chartroom', client_secret: 's3cr:et &%', redirect_uris: [redirect] }],
  claims: {
    openid: ['sub'],
    email: ['email', 'email_verified'],
    profile: ['name', 'preferred_username'],
    groups: ['groups'],
  },
  scopes: ['openid', 'offline_access', 'groups'],
  pkce: { required: () => true },
  cookies: { keys: ['of a check'] },
  features: { devInteractions: { enabled: true } },
  findAccount: async (_context, id) => ({
    accountId: id,
    claims: async () => ({
      sub: id,
      name: `The ${id}`,
      preferred_username: id,
      email: `${id}@example.org`,
      email_verified: id !== 'eve',
      groups,
    }),
  }),
});
provider.listen(Number(port), '127.0.0.1', () => console.log('listening'));
