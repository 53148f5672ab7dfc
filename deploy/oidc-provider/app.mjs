// A client app: signs in by authorization code with PKCE, and greets. Open http://127.0.0.1:3000/login
import crypto from 'node:crypto';
import http from 'node:http';

const PORT = Number(process.env.PORT_APP ?? 3000);
const APP = `http://127.0.0.1:${PORT}`;
const ISSUER = process.env.ISSUER ?? 'http://127.0.0.1:4000';
const SIDEGATE = process.env.SIDEGATE ?? 'http://127.0.0.1:8181/t/acme';
// One for all logins: this is for trying things.
const verifier = crypto.randomBytes(32).toString('base64url');

http.createServer(async (request, response) => {
  const url = new URL(request.url, APP);
  if (url.pathname === '/login') {
    const params = new URLSearchParams({
      client_id: 'web', response_type: 'code', scope: 'openid', redirect_uri: `${APP}/callback`, prompt: 'login',
      code_challenge_method: 'S256', code_challenge: crypto.createHash('sha256').update(verifier).digest('base64url'),
    });
    response.writeHead(303, { location: `${ISSUER}/auth?${params}` });
    return response.end();
  }
  response.setHeader('content-type', 'text/html');
  if (url.pathname !== '/callback') return response.end('<!doctype html><title>App</title><h1>The app</h1><a href="/login">Sign in</a>');
  const tokens = await (await fetch(`${ISSUER}/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${Buffer.from('web:secret').toString('base64')}` },
    body: new URLSearchParams({
      grant_type: 'authorization_code', code: url.searchParams.get('code'), redirect_uri: `${APP}/callback`, code_verifier: verifier,
    }),
  })).json();
  const sub = tokens.id_token && JSON.parse(Buffer.from(tokens.id_token.split('.')[1], 'base64url')).sub;
  // What is known of the user and is for their eyes, by the user's own access token.
  const mine = await fetch(`${SIDEGATE}/api/v1/abac/my-attributes`, { headers: { authorization: `Bearer ${tokens.access_token}` } });
  const text = (await mine.text()).replace(/[<&]/g, (sign) => `&#${sign.charCodeAt(0)};`);
  return response.end(`<!doctype html><title>App</title><h1>Welcome, ${String(sub).replace(/[^\w-]/g, '')}</h1><pre>${text}</pre>`);
}).listen(PORT, '127.0.0.1', () => console.log(`app on ${APP}`));
