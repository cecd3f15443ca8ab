"""The raw protobuf classes of IAM's policies, in one place because they come without types."""

from google.iam.v1.iam_policy_pb2 import (
    GetIamPolicyRequest,
    SetIamPolicyRequest,
    TestIamPermissionsRequest,
    TestIamPermissionsResponse,
)
from google.iam.v1.policy_pb2 import Binding, Policy

__all__ = [
    "Binding",
    "GetIamPolicyRequest",
    "Policy",
    "SetIamPolicyRequest",
    "TestIamPermissionsRequest",
    "TestIamPermissionsResponse",
]
