"""What the emulator has, RPC by RPC and feature by feature, beside Google's."""
