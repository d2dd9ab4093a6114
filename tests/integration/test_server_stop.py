"""A graceful stop: the health service says so first, and calls in flight finish."""

from __future__ import annotations

import threading
import time

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from hms_server.devstack.ports import free_ports
from hms_server.edge.server import Server


def test_health_turns_not_serving_and_the_call_in_flight_is_answered():
    begun = threading.Event()

    def slow(raw, context):
        begun.set()
        time.sleep(0.8)
        return raw

    server = Server({"test.v1.SlowService": {"Slow": slow}}, threads=2, max_request_bytes=1000)
    address = f"127.0.0.1:{free_ports().grpc}"
    server.start(address)
    with grpc.insecure_channel(address) as channel:
        watched = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest())
        assert next(watched).status == health_pb2.HealthCheckResponse.SERVING
        answer = channel.unary_unary("/test.v1.SlowService/Slow").future(b"asha", timeout=10)
        assert begun.wait(5)
        stopping = threading.Thread(target=server.stop, args=(5,))
        stopping.start()
        assert next(watched).status == health_pb2.HealthCheckResponse.NOT_SERVING
        assert answer.result() == b"asha"
        stopping.join(10)
        assert not stopping.is_alive()
