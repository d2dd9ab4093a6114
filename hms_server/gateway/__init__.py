"""The gateway: Envoy's configuration, the scripts it runs and the API's description.

Everything here is derived from the protos' own options, so that a new RPC needs no change in it. It
runs when code is generated and when a configuration is rendered, never in a request.
"""
