//! The labels that `az` has and that are checked by the rules for keys: tenant, region; and those that are
//! not.

use strongroom::keyvault::{Region, TenantId};

use crate::args::GlobalArgs;
use crate::output::error::Failure;

/// Where a vault or account is that was created without `--location`.
const REGION: &str = "local";
/// The subscription of whoever named none.
const SUBSCRIPTION: &str = "00000000-0000-0000-0000-000000000000";

/// The labels of one command.
#[derive(Clone, Debug, Default)]
pub(crate) struct Labels {
    tenant: Option<String>,
    location: Option<String>,
    resource_group: Option<String>,
    subscription: Option<String>,
}

impl Labels {
    /// Takes the options as they are.
    pub(super) fn new(global: &GlobalArgs) -> Self {
        Self {
            tenant: global.tenant.clone(),
            location: global.location.clone(),
            resource_group: global.resource_group.clone(),
            subscription: global.subscription.clone(),
        }
    }

    /// The tenant, if one was named.
    pub(crate) fn tenant(&self) -> Result<Option<TenantId>, Failure> {
        Ok(self.tenant.as_deref().map(str::parse).transpose()?)
    }

    /// The region, or the one of everything that names none.
    pub(crate) fn region(&self) -> Result<Region, Failure> {
        Ok(self.location.as_deref().unwrap_or(REGION).parse()?)
    }

    /// The resource group; creating without one is wrong usage, as in `az`.
    pub(crate) fn required_group(&self) -> Result<String, Failure> {
        self.resource_group.clone().ok_or_else(|| {
            Failure::usage(
                "RequiredArgumentMissingError",
                "the following required argument was not provided: --resource-group/-g",
            )
            .hint("Add -g with any name; it is a label here.")
        })
    }

    /// The resource group, or another.
    pub(crate) fn group_or(&self, other: &str) -> String {
        self.resource_group.clone().unwrap_or_else(|| other.to_owned())
    }

    /// The tenant; moving without one is wrong usage.
    pub(crate) fn required_tenant(&self) -> Result<TenantId, Failure> {
        self.tenant()?.ok_or_else(|| {
            Failure::usage(
                "RequiredArgumentMissingError",
                "the following required argument was not provided: --tenant",
            )
            .hint("Add --tenant with the id of the tenant to move to.")
        })
    }

    /// The subscription, or the one of whoever named none.
    pub(crate) fn subscription(&self) -> String {
        self.subscription
            .clone()
            .unwrap_or_else(|| SUBSCRIPTION.to_owned())
    }
}
