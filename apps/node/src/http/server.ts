import { fastifySSE } from '@fastify/sse'
import swagger from '@fastify/swagger'
import fastify, { type FastifyInstance } from 'fastify'
import { type ZodTypeProvider, jsonSchemaTransform, serializerCompiler } from 'fastify-type-provider-zod'
import { isLoopback } from '../config/loopback.ts'
import type { NodeConfig } from '../config/schema.ts'
import type { NodeLog } from '../logging.ts'
import type { GridmeshNode } from '../node.ts'
import { VERSION } from '../version.ts'
import { checkExpectation, checkHost } from './access.ts'
import { answerWhatIsUnderWay, closeWithin, endWhatIsAnswered } from './closing.ts'
import { answerErrors, MAX_PARAM_LENGTH, readJson, refuseBytes, refuseUrl, REQUEST_DEADLINE_MS } from './refusals.ts'
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

/** Time between two looks for requests that take too long to come in, in ms. */
const DEADLINE_CHECK_MS = 5_000
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
    clientErrorHandler: refuseBytes,
    requestTimeout: REQUEST_DEADLINE_MS,
    http: {
      // Node exchanges the two where the one for headers is the longer.
      headersTimeout: REQUEST_DEADLINE_MS,
      connectionsCheckingInterval: DEADLINE_CHECK_MS,
      // A request without a host is refused in our own words, too.
      requireHostHeader: false,
    },
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: MAX_PARAM_LENGTH },
  }).withTypeProvider<ZodTypeProvider>()
  app.server.maxConnections = http.maxConnections
  // JSON only: a web page of another site can post plain text without asking, JSON it cannot.
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', { parseAs: 'string' }, readJson)
  app.setValidatorCompiler(validatorCompiler)
  app.setSerializerCompiler(serializerCompiler)
  app.server.on('checkExpectation', (request, reply) => app.server.emit('request', request, reply))
  app.addHook('onRequest', async (request) => {
    checkHost(request, http)
    checkExpectation(request)
  })
  endWhatIsAnswered(app)
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
