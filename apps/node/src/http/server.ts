import { fastifySSE } from '@fastify/sse'
import swagger from '@fastify/swagger'
import fastify, { type FastifyError, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { type ZodTypeProvider, jsonSchemaTransform, serializerCompiler } from 'fastify-type-provider-zod'
import { isLoopback } from '../config/loopback.ts'
import type { NodeConfig } from '../config/schema.ts'
import { shown } from '../faults.ts'
import type { NodeLog } from '../logging.ts'
import type { GridmeshNode } from '../node.ts'
import { VERSION } from '../version.ts'
import { checkHost } from './access.ts'
import { HttpRefusalError } from './answers.ts'
import { answerWhatIsUnderWay, closeWithin } from './closing.ts'
import { chainRoutes } from './routes/chain.ts'
import { eventRoutes } from './routes/events.ts'
import { feedRoutes } from './routes/feed.ts'
import { messageRoutes } from './routes/messages.ts'
import { metricsRoutes } from './routes/metrics.ts'
import { nodeRoutes } from './routes/node.ts'
import { peerRoutes } from './routes/peers.ts'
import { stateRoutes } from './routes/state.ts'
import { transactionRoutes } from './routes/transactions.ts'
import { validatorCompiler } from './validation.ts'

/** Longest part of a path that a route takes, in characters: the name of a meter, escaped. */
const MAX_PARAM_LENGTH = 1_024
/** Time that what is under way gets to be answered when the API closes, in ms. */
const FINISH_MS = 3_000

/** A fastify server whose routes are typed by their zod schemas. */
export type Api = FastifyInstance<
  FastifyInstance['server'],
  Parameters<FastifyInstance['routing']>[0],
  Parameters<FastifyInstance['routing']>[1],
  FastifyInstance['log'],
  ZodTypeProvider
>

/** What the server itself needs of a node. */
export interface ApiHost {
  readonly config: { readonly http: NodeConfig['http'] }
  readonly log: Pick<NodeLog, 'forComponent'>
}

/** The HTTP API of a node. */
export interface HttpApi {
  /** Base URL while listening. */
  readonly url: string | undefined
  start(): Promise<void>
  /** Ends event streams, finishes what is under way, and closes, after 3 s or at the signal in any case. */
  stop(signal?: AbortSignal): Promise<void>
}

/** Builds the HTTP API of a node. @throws {TypeError} when it would let anybody write */
export function createHttpApi(node: GridmeshNode): HttpApi {
  const { http } = node.config
  if (!isLoopback(http.host) && http.token === undefined) {
    throw new TypeError(`http.token is required because http.host is ${http.host}, which others can reach`)
  }
  const app = apiServer(node, (api) => {
    nodeRoutes(api, node)
    peerRoutes(api, node)
    feedRoutes(api, node)
    messageRoutes(api, node)
    chainRoutes(api, node)
    transactionRoutes(api, node)
    stateRoutes(api, node)
    eventRoutes(api, node)
  })
  app.register(async (api: Api) => metricsRoutes(api, node))

  let url: string | undefined
  return {
    get url() {
      return url
    },
    start: async () => {
      url = await app.listen({ host: http.host, port: http.port })
    },
    stop: async (signal) => {
      url = undefined
      await closeWithin(app, FINISH_MS, signal)
    },
  }
}

/** A server that checks, describes and refuses as the API does, with the routes that are added under `/api/v1`. */
export function apiServer(node: ApiHost, addRoutes: (api: Api) => void): Api {
  const { http } = node.config
  const app = fastify({
    bodyLimit: http.maxBodyBytes,
    // Idle ones; and a request that comes meanwhile is refused in our own words.
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    frameworkErrors: refuseUrl,
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: MAX_PARAM_LENGTH },
  }).withTypeProvider<ZodTypeProvider>()
  // JSON only: a web page of another site can post plain text without asking, JSON it cannot.
  app.removeContentTypeParser('text/plain')
  app.setValidatorCompiler(validatorCompiler)
  app.setSerializerCompiler(serializerCompiler)
  app.addHook('onRequest', async (request) => checkHost(request, http))
  answerWhatIsUnderWay(app)
  answerErrors(app, node)

  app.register(swagger, {
    openapi: { info: { title: 'Gridmesh node', version: VERSION }, servers: [{ url: '/' }] },
    transform: jsonSchemaTransform,
  })
  app.register(fastifySSE)
  app.register(
    async (api: Api) => {
      api.get('/openapi.json', { schema: { hide: true } }, () => app.swagger())
      addRoutes(api)
    },
    { prefix: '/api/v1' },
  )
  return app
}

/** Answers what fastify refuses before there is a route: a URL that is none, or a part of it that is too long. */
function refuseUrl({ statusCode = 400 }: FastifyError, { url }: FastifyRequest, reply: FastifyReply): void {
  const rule =
    statusCode === 414
      ? `a path whose parts have ${MAX_PARAM_LENGTH} characters at most`
      : 'a path whose escapes are UTF-8'
  const error = `url: expected ${rule}, got ${shown(url)}`
  void reply.code(statusCode).send({ success: false, error, code: STATUS_CODES[statusCode] ?? 'internal-error' })
}

function answerErrors(app: FastifyInstance, node: ApiHost): void {
  const log = node.log.forComponent('gridmesh:http')
  app.setNotFoundHandler((request, reply) =>
    reply.code(404).send({ success: false, error: `There is no ${request.method} ${request.url}`, code: 'not-found' }),
  )
  app.setErrorHandler((err: FastifyError, request, reply) => {
    const status = err.statusCode ?? 500
    if (err instanceof HttpRefusalError)
      return reply.code(status).send({ success: false, error: err.message, code: err.code })
    if (status >= 500) log.error('%s %s failed: %e', request.method, request.url, err)
    const code = STATUS_CODES[status] ?? 'internal-error'
    const error = status >= 500 ? 'The node could not answer; its log says why' : err.message
    return reply.code(status).send({ success: false, error, code })
  })
}

/** Codes for what fastify itself refuses. */
const STATUS_CODES: Readonly<Record<number, string>> = {
  400: 'invalid-input',
  404: 'not-found',
  413: 'body-too-large',
  414: 'url-too-long',
  415: 'wrong-content-type',
}
