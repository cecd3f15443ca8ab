"""Google's own providers: what a person is told who cannot download them."""

import pytest

from emulators.terraform.errors import TerraformError
from emulators.terraform.real import plan_real
from tests.integration.infra.conftest import ROOT


@pytest.fixture
def no_provider_anywhere(tmp_path, monkeypatch):
    """Terraform looks for providers in an empty folder only, as on a machine without network."""
    config = tmp_path / "terraform.rc"
    config.write_text(
        f'provider_installation {{ filesystem_mirror {{ path = "{tmp_path / "mirror"}" }} }}\n'
        "disable_checkpoint = true\n"
    )
    (tmp_path / "mirror").mkdir()
    monkeypatch.setenv("TF_CLI_CONFIG_FILE", str(config))


@pytest.mark.usefixtures("no_provider_anywhere")
def test_providers_that_cannot_be_downloaded_are_told_with_the_fix(tmp_path):
    with pytest.raises(TerraformError) as told:
        plan_real(ROOT, "dev", tmp_path / "cloudtasker.zip")

    said = str(told.value)
    assert said.startswith("Google's providers could not be downloaded: ")
    assert "hashicorp/google" in said
    assert "Nothing was planned" in said
    assert "TF_CLI_CONFIG_FILE" in said
    assert "`make plan` plans without any" in said
