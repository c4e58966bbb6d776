//! The slow thing that is cached: a folder with a file for each product, which has the version of its price and when that began.

use anyhow::{Context, Result};
use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

pub(crate) const PRODUCTS: usize = 60;

/// What is in a file.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Version {
    pub(crate) number: u64,
    /// Since 1970.
    pub(crate) since: Duration,
}

/// The one that changes prices.
pub(crate) struct Shop {
    folder: PathBuf,
    random: u64,
    changes: u64,
}

impl Shop {
    pub(crate) fn open(folder: &Path) -> Result<Self> {
        let folder = folder.join("shop");
        fs::create_dir_all(&folder)?;
        for product in 0..PRODUCTS {
            write(&folder, product, 1)?;
        }
        Ok(Shop { folder, random: 0x9e37_79b9_7f4a_7c15, changes: 0 })
    }

    /// A new price for one product. Which one?
    pub(crate) fn change(&mut self) -> Result<usize> {
        let product = self.random(PRODUCTS);
        let version = read(&self.folder, product)?;
        write(&self.folder, product, version.number + 1)?;
        self.changes += 1;
        Ok(product)
    }

    pub(crate) fn changes(&self) -> u64 {
        self.changes
    }

    /// Below the end, by a xorshift.
    pub(crate) fn random(&mut self, end: usize) -> usize {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        (self.random >> 16) as usize % end
    }
}

pub(crate) fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// The current version, from the folder of the shop.
pub(crate) fn read(folder: &Path, product: usize) -> Result<Version> {
    let text = fs::read_to_string(folder.join(product.to_string()))?;
    let (number, nanos) = text.split_once(' ').context("two numbers")?;
    Ok(Version { number: number.parse()?, since: Duration::from_nanos(nanos.parse()?) })
}

/// At once, so that nobody reads a half of it.
fn write(folder: &Path, product: usize, number: u64) -> Result<()> {
    let new = folder.join(format!("{product}.new"));
    fs::write(&new, format!("{number} {}", now().as_nanos()))?;
    fs::rename(new, folder.join(product.to_string()))?;
    Ok(())
}
