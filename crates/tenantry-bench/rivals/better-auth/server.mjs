// better-auth as a service that has organizations would run it: SQLite for what lasts, Redis for sessions and API keys.
// One process of Node, as `node server.mjs` starts it. Prints its port when it serves.

import { createServer } from "node:http";
import { createHash } from "node:crypto";
import { apiKey } from "@better-auth/api-key";
import { redisStorage } from "@better-auth/redis-storage";
import { betterAuth } from "better-auth";
import { getMigrations } from "better-auth/db/migration";
import { fromNodeHeaders, toNodeHandler } from "better-auth/node";
import { organization } from "better-auth/plugins";
import { createAccessControl } from "better-auth/plugins/access";
import { adminAc, defaultStatements, memberAc, ownerAc } from "better-auth/plugins/organization/access";
import Database from "better-sqlite3";
import { Redis } from "ioredis";

const { BETTER_AUTH_SECRET: secret, REDIS_URL: redis, SQLITE: file } = process.env;

// A write-ahead log that is synchronized now and then: nobody waits for the disk.
const database = new Database(file);
database.pragma("journal_mode = WAL");
database.pragma("synchronous = NORMAL");

// Passwords are not what is compared, and the usual hash is slow on purpose.
const hash = async (password) => createHash("sha256").update(password).digest("hex");

// The service's own permission, as ours has it.
const control = createAccessControl({ ...defaultStatements, apiKey: ["create", "read"], notes: ["write"] });

// A connection may wait longer than the usual five seconds: Node is busy at times while everything is prepared.
const server = createServer({ keepAliveTimeout: 65_000 });
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const { port } = server.address();

const auth = betterAuth({
  baseURL: `http://127.0.0.1:${port}`,
  secret,
  database,
  secondaryStorage: redisStorage({ client: new Redis(redis) }),
  emailAndPassword: {
    enabled: true,
    password: { hash, verify: async ({ hash: known, password }) => known === (await hash(password)) },
  },
  logger: { disabled: true },
  rateLimit: { enabled: false },
  telemetry: { enabled: false },
  plugins: [
    organization({
      ac: control,
      roles: {
        owner: control.newRole({ ...ownerAc.statements, apiKey: ["create", "read"], notes: ["write"] }),
        admin: control.newRole({ ...adminAc.statements, notes: ["write"] }),
        member: control.newRole({ ...memberAc.statements }),
      },
      membershipLimit: 1_000_000,
      invitationLimit: 1_000_000,
    }),
    // As an API token of ours, a key belongs to an organization.
    apiKey({ references: "organization", storage: "secondary-storage", rateLimit: { enabled: false } }),
  ],
});

await (await getMigrations(auth.options)).runMigrations();

function answer(response, status, body) {
  const text = JSON.stringify(body);
  response.writeHead(status, { "content-type": "application/json", "content-length": Buffer.byteLength(text) });
  response.end(text);
}

// Where a caller is: by an API key, or by a session.
async function whoami(request, response) {
  const key = request.headers["x-api-key"];
  if (key !== undefined) {
    const verified = await auth.api.verifyApiKey({ body: { key } });
    if (!verified.valid) return answer(response, 401, { error: "the key is not valid" });
    return answer(response, 200, { organization: verified.key.referenceId, principal: verified.key.id });
  }
  const member = await auth.api.getActiveMember({ headers: fromNodeHeaders(request.headers) });
  return answer(response, 200, { organization: member.organizationId, principal: member.userId, role: member.role });
}

// A route that needs a permission.
async function notes(request, response) {
  const allowed = await auth.api.hasPermission({
    headers: fromNodeHeaders(request.headers),
    body: { permissions: { notes: ["write"] } },
  });
  return allowed.success ? answer(response, 200, "ok") : answer(response, 403, { error: "not permitted" });
}

// For the benchmark, before it measures: accounts that are members of an organization.
async function members(request, response) {
  const url = new URL(request.url, "http://localhost");
  const [organizationId, count] = [url.searchParams.get("organization"), Number(url.searchParams.get("count"))];
  const { internalAdapter } = await auth.$context;
  for (let number = 0; number < count; number += 1) {
    const email = `member${number}@${organizationId}.example.com`.toLowerCase();
    const user = await internalAdapter.createUser({ email, name: `Member ${number}`, emailVerified: true });
    await auth.api.addMember({ body: { userId: user.id, organizationId, role: "member" } });
  }
  return answer(response, 200, { added: count });
}

const routes = { "/whoami": whoami, "/notes": notes, "/prepare/members": members };
const handler = toNodeHandler(auth);
server.on("request", (request, response) => {
  const route = routes[request.url.split("?")[0]];
  if (route === undefined) return handler(request, response);
  return route(request, response).catch((error) => answer(response, error.statusCode ?? 500, { error: error.message }));
});
// Whoever started it holds its input: this ends with them, however they end.
process.stdin.resume().on("end", () => process.exit());
console.log(port);
